import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { serveProgram, type VaultProgram } from './vault_program.ts';

/** The documentation names the default ports. */
const PORTS = [50051, 50052, 8080, 8400, 9090];
const PAGES = ['docs/runbook.md', 'docs/events.md', 'docs/benchmarks.md'];

/** Answers of the sandbox to commands that succeed in another setting. */
const REASONS = [
  { command: /RemoveCredential$/, reason: 'APP_IN_USE', because: 'the app has no second credential' },
  { command: /"key_vault_certificate"/, reason: 'KEY_SOURCE_UNAVAILABLE', because: 'the sandbox has no Key Vault' },
] as const;

const environment = { ...process.env, PATH: `${process.env['PATH']}:${join(homedir(), 'go/bin')}` };
const isRequired = process.env['CI_RUN'] !== undefined;
const missing = await whatIsMissing();
if (missing !== undefined && !isRequired) console.warn(`${missing} The tests with grpcurl and ghz are skipped.`);

async function whatIsMissing(): Promise<string | undefined> {
  if (spawnSync('grpcurl', ['-version'], { env: environment }).status !== 0) return 'grpcurl is not installed.';
  if (spawnSync('ghz', ['--version'], { env: environment }).status !== 0) return 'ghz is not installed.';
  for (const port of PORTS) if (await isInUse(port)) return `Port ${port} is in use.`;
  return undefined;
}

async function isInUse(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isConnected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isConnected;
}

describe.skipIf(missing !== undefined && !isRequired)('against a vault with the sandbox', () => {
  let folder: string;
  let vault: VaultProgram;

  beforeAll(async () => {
    expect(missing).toBeUndefined();
    folder = mkdtempSync(join(tmpdir(), 'tokenvault-grpcurl-'));
    symlinkSync(join(process.cwd(), 'src'), join(folder, 'src'));
    vault = await startVault();
    const app = {
      client_id: ACME_CLIENT_ID,
      client_secret: ACME_SECRET,
      sign_in_audience: 'common',
      cloud: 'CLOUD_CUSTOM',
      home_directory_id: 'c0c0c0c0-0000-4000-8000-000000000001',
    };
    await admin('TenantService/RegisterTenant', { tenant_id: 'acme', preset: 'aurinko', app });
  });

  afterAll(async () => {
    await vault.stop();
    rmSync(folder, { recursive: true });
  });

  test.each(commandsOf('README.md'))('README: %s', async (command) => {
    const { status, stdout } = await run(command);
    expect(status).toBe(0);
    expect(stdout).toMatch(/is a message:/);
  });

  test('a user connects', async () => {
    const consent = await admin('ConnectionService/StartAdminConsent', {
      parent: 'tenants/acme',
      scopes: ['Mail.ReadOnly'],
    });
    await visit(consent['adminConsentUri'] ?? '', 'contoso.example');
    const ada = { connection: 'tenants/acme/connections/ada', scopes: ['Mail.ReadOnly'], auto_confirm: true };
    await visit(
      (await admin('ConnectionService/StartAuthorization', ada))['authorizationUri'] ?? '',
      'ada@contoso.example',
    );
  });

  test.each(PAGES.flatMap(commandsOf))('%s', async (command) => {
    const { status, stdout, stderr } = await run(command);
    const { reason } = REASONS.find((one) => one.command.test(command)) ?? {};
    if (reason === undefined) expect([stderr, status]).toEqual(['', isStream(command) ? null : 0]);
    else expect(stderr).toContain(`[${reason}]`);
    if (command.startsWith('ghz')) expect(stdout).toMatch(/Status code distribution:\s+\[OK\] +\d+ responses\s*$/);
  });

  function startVault(): Promise<VaultProgram> {
    const key = Buffer.alloc(32, 7).toString('base64');
    writeFileSync(join(folder, 'secret'), `whsec_${key}\n`, { mode: 0o600 });
    const sinks = ['ops', 'pager'].map((id) => ({ id, url: 'http://127.0.0.1:9/', secret_file: 'secret' }));
    writeFileSync(join(folder, 'sinks.yaml'), JSON.stringify({ sinks }));
    const settings = {
      GRPC_ADDRESS: '127.0.0.1:50051',
      ADMIN_ADDRESS: '127.0.0.1:50052',
      WEB_ADDRESS: '127.0.0.1:8080',
      OPS_ADDRESS: '127.0.0.1:9090',
      SANDBOX: 'on',
      SINKS_FILE: join(folder, 'sinks.yaml'),
      KEY_VAULTS: 'https://acme-secrets.vault.azure.net,https://acme-keys.vault.azure.net',
    };
    // No request leaves the machine.
    return serveProgram(folder, settings, { HTTPS_PROXY: 'http://127.0.0.1:9' });
  }

  /** Stops a stream after its first message. */
  async function run(command: string) {
    const child = spawn('bash', ['-c', `exec ${command}`], { cwd: folder, env: environment, stdio: 'pipe' });
    child.stdin.end();
    if (isStream(command)) child.stdout.once('data', () => child.kill('SIGINT'));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { status: child.exitCode, stdout, stderr };
  }

  async function admin(method: string, request: object): Promise<Record<string, string>> {
    const json = JSON.stringify(request);
    const target = `127.0.0.1:50052 tokenvault.v1.${method}`;
    return JSON.parse((await run(`grpcurl -plaintext -d '${json}' ${target}`)).stdout);
  }
});

function pageOf(path: string): string {
  return readFileSync(path, 'utf8');
}

/** As they stand. */
function commandsOf(page: string): string[] {
  return [...pageOf(page).matchAll(/^ +((?:grpcurl|ghz) .*)$/gm)].map(([, command = '']) => command);
}

function isStream(command: string): boolean {
  return /\/Watch\w+$/.test(command);
}

async function visit(uri: string, account: string): Promise<void> {
  expect((await fetch(`${uri}&sandbox_auto=${account}`)).status).toBe(200);
}
