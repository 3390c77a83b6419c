import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ChannelCredentials } from '@grpc/grpc-js';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import { makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { PROGRAM } from '../bundled_programs.ts';
import { type InProcessOptions, runInProcess } from '../cli/run_in_process.ts';
import { callersFile } from './callers_file.ts';
import { importAda, type Onboarded, onboard, registerAcme } from './onboard.ts';
import { prefixed } from './spawn_serve.ts';
import { type Clients, type Scenario, startScenario } from './start_scenario.ts';

const CONTOSO = 'c0c0c0c0-0000-4000-8000-000000000001';
const ACME = {
  name: 'tenants/acme',
  app: 'tenants/acme/apps/default',
  clientId: ACME_CLIENT_ID,
  connection: (id: string) => `tenants/acme/connections/${id}`,
};

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The commands of a page, as they stand, in their order. */
function commandsOf(page: string): readonly string[] {
  const found = readFileSync(page, 'utf8')
    .replaceAll('\\\n', ' ')
    .matchAll(/^(?: *|echo '[^']*' \| )npm run (?:-s )?token-vault -- .*$|(?<=`)npm run token-vault -- [^`\n]*(?=`)/gm);
  return [...found].map(([line]) => line.trim().replace(/npm run (?:-s )?token-vault --/, 'token-vault'));
}

/** Where the sandbox is not what the line is about. All others end with 0. */
const OTHERS = [
  { line: /^token-vault backup restored$/, code: 69, because: 'the vault runs; the text says to stop it first' },
  { line: /^token-vault database copy/, code: 69, because: 'the vault runs, and the target has an invented name' },
  { line: /^token-vault keys create$/, code: 69, because: 'the vault has its root key, which is kept' },
  { line: /--key-vault-/, code: 65, because: 'the sandbox has no Key Vault, so TOKENVAULT_KEY_VAULTS names none' },
  { line: /--mailbox/, code: 65, because: 'the app of the sandbox has no application permission for mail' },
  { line: /credentials rotate/, code: 65, because: 'nothing allows the app of the sandbox to change itself' },
  { line: /^token-vault events list --follow$/, code: 130, because: 'the test interrupts it' },
] as const;

const MODES = [
  { mode: 'without TLS and callers', isProtected: false },
  { mode: 'with TLS, a callers file and cli.yaml', isProtected: true },
];

const RUNBOOK = commandsOf('docs/runbook.md');

test('every exception is of a line of the runbook', () => {
  expect(RUNBOOK.length).toBeGreaterThan(50);
  expect(OTHERS.filter(({ line }) => !RUNBOOK.some((one) => line.test(one)))).toEqual([]);
});

describe.each(MODES)('$mode', ({ isProtected }) => {
  const operator = newApiKey('operator');
  const authority = makeAuthority('vaults');
  let scenario: Scenario;
  let clients: Clients;
  let environment: Readonly<Record<string, string>>;

  beforeAll(async () => {
    let folder = '';
    const fileIn = (name: string) => ({ enumerable: true, get: () => join(folder, name) });
    const settings = Object.defineProperties({} as Record<string, string>, {
      AUDIT_FILE: fileIn('data/audit.jsonl'),
      SINKS_FILE: fileIn('sinks.yaml'),
      DATABASE_URL: { enumerable: true, get: () => `sqlite:${join(folder, 'data/vault.db')}` },
      KEY_SOURCE: { enumerable: true, get: () => `file:${join(folder, 'keys/kek')}` },
      ...(isProtected && {
        CALLERS_FILE: fileIn('callers.yaml'),
        TLS_CERT_FILE: fileIn('tls.crt'),
        TLS_KEY_FILE: fileIn('tls.key'),
        PUBLIC_URL: { enumerable: true, value: 'https://127.0.0.1:8443' },
      }),
    });
    scenario = await startScenario({
      environment: settings,
      prepare(made) {
        folder = made;
        writeFiles(folder);
      },
    });
    environment = { ...prefixed(settings), ...accessTo(scenario), PATH: process.env['PATH'] ?? '' };
    if (isProtected)
      writeFileSync(
        join(folder, 'cli.yaml'),
        `address: ${scenario.vault.addresses.admin}\napi_key_file: ops.key\nca_file: ca.pem\n`,
      );
    clients = isProtected
      ? scenario.clients({
          apiKey: operator.key,
          credentials: ChannelCredentials.createSsl(Buffer.from(authority.pem)),
        })
      : scenario;
    await rejectOtherApp();
  });
  afterAll(async () => {
    if (isProtected) clients?.close();
    await scenario.close();
  });
  afterEach(() => vi.unstubAllEnvs());

  function writeFiles(folder: string): void {
    const write = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      chmodSync(join(folder, name), 0o600);
    };
    mkdirSync(join(folder, 'backup'));
    write('webhook', `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`);
    write('sinks.yaml', JSON.stringify({ sinks: [{ id: 'ops', url: 'http://127.0.0.1:9/', secret_file: 'webhook' }] }));
    const rules = ['operator', 'connector', 'admin'].map((role) => ({ role, tenants: ['*'] }));
    const old = newApiKey('old');
    const expired = { id: 'old', sha256: old.sha256, expireTime: '2026-01-01T00:00:00Z', rules };
    write('callers.yaml', callersFile({ id: 'operator', ...operator, rules }, expired));
    write('old.key', old.key);
    write('other.pem', makeAuthority('other').pem);
    write('ops.key', `${operator.key}\n`);
    const server = authority.issue({ names: [{ ip: '127.0.0.1' }], purposes: [id_kp_serverAuth] });
    write('tls.crt', server.pem);
    write('tls.key', server.key);
    write('ca.pem', authority.pem);
  }

  /** As docs/commands.md describes it. */
  function accessTo({ folder, vault }: Scenario): Record<string, string> {
    return isProtected
      ? { TOKENVAULT_CLI_CONFIG_FILE: join(folder, 'cli.yaml') }
      : { TOKENVAULT_CLI_ADDRESS: vault.addresses.admin };
  }

  /** A tenant beside it whose credential Entra rejects, which is an event. */
  async function rejectOtherApp(): Promise<void> {
    const { sandbox, callbackUri } = scenario;
    const { app, clientId, secret } = await onboard({ sandbox, callbackUri, tenants: clients.tenants }, 'other');
    await clients.apps.verifyApp({ name: app, directoryId: CONTOSO });
    sandbox.expireSecret(clientId, secret);
    await clients.apps.verifyApp({ name: app, directoryId: CONTOSO });
  }

  const connectAda = (acme: Onboarded) =>
    importAda({ sandbox: scenario.sandbox, connections: clients.connections }, acme, 'ada');

  test.each(commandsOf('README.md'))('README: %s', async (line) => {
    const { code, stderr } = await run(line);
    expect([code, stderr]).toEqual([0, '']);
    if (line.includes(' tenants create ')) await connectAda({ ...ACME, secret: ACME_SECRET });
  });

  test.each(RUNBOOK)('%s', async (line) => {
    // One verification in 30 seconds.
    if (line.includes('connections verify')) await scenario.later(31_000);
    const typed = typedFor(line);
    const { code, stdout, stderr } = await run(line, typed);
    const other = OTHERS.find((one) => one.line.test(line));
    expect([code, code === 0 && typed.input === undefined ? stderr : '']).toEqual([
      other?.code ?? 0,
      expect.stringMatching(/^(No [a-z ]+\.\n)?$/),
    ]);
    if (code !== 0) expect(stdout + stderr).toMatch(/\S/);
    if (/ tenants delete acme/.test(line)) await connectAda(await registerAcme(clients));
    if (/ containment contain --(?:app|directory|tenant|all)/.test(line))
      expect((await run(line.replace('contain --', 'lift --'))).code).toBe(0);
  });

  if (isProtected)
    test.each([
      ['without TLS', ['--ca-file', ''], 69, 'If it serves with TLS, add --ca-file'],
      ['with another CA', ['--ca-file', 'other.pem'], 69, 'a CA that --ca-file has'],
      ['at a server without TLS', ['--address', 'OPS'], 69, "the server answers without TLS). Give --ca-file ''"],
      ['without a key', ['--api-key-file', ''], 77, 'Give the file with a valid API key'],
      ['with an expired key', ['--api-key-file', 'old.key'], 77, '[UNAUTHENTICATED]'],
    ] as const)('a command %s says what is wrong with its access', async (_, [option, value], code, message) => {
      const { folder, vault } = scenario;
      const given = value === 'OPS' ? vault.addresses.ops : value === '' ? value : join(folder, value);
      vi.stubEnv('TOKENVAULT_CLI_CONFIG_FILE', join(folder, 'cli.yaml'));
      expect(await runInProcess(['tenants', 'list', option, given])).toMatchObject({
        code,
        stdout: '',
        stderr: expect.stringContaining(message),
      });
    });

  /** In this process, unless the line needs a shell, a working directory or a signal. */
  function run(line: string, typed: InProcessOptions = {}): Promise<Outcome> {
    if (!/^token-vault (?:audit|backup|config|database|keys create)|\||--follow/.test(line)) {
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      const words = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word).slice(1);
      return runInProcess(words, typed);
    }
    return runInShell(line);
  }

  /** What a person types. */
  function typedFor(line: string): InProcessOptions {
    if (line.includes('--client-secret-file -'))
      return { terminal: 80, input: `${scenario.sandbox.addSecret(ACME_CLIENT_ID).value}\n` };
    if (/ (?:remove|delete) /.test(line)) return { terminal: 80, input: `${line.split(' ')[3]?.split('/').at(-1)}\n` };
    return {};
  }

  async function runInShell(line: string): Promise<Outcome> {
    const script = `token-vault() { exec '${process.execPath}' '${PROGRAM}' "$@"; }\n${line}`;
    const child = spawn('bash', ['--norc', '-c', script], { cwd: scenario.folder, env: environment, stdio: 'pipe' });
    child.stdin.end();
    if (line.endsWith('--follow')) child.stdout.once('data', () => child.kill('SIGINT'));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  }
});

test('the quick start registers the app of the sandbox', () => {
  expect(commandsOf('README.md')[0]).toContain(ACME_SECRET);
});
