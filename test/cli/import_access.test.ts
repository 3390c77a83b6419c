import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import { onboard } from '../scenarios/onboard.ts';
import { type Clients, type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { answerOf, jsonLines, runImport, temporaryFiles } from './import_program.ts';

const keys = { operator: newApiKey('operator'), reader: newApiKey('reader'), stranger: newApiKey('stranger') };

/** A certificate that signs itself: of the vault, and of whoever calls. openssl, since Node makes none. */
function makeCertificate(folder: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-days', '2', '-subj', '/CN=vault', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')];
  execFileSync('openssl', ['req', '-x509', ...key, ...name, ...files], { stdio: 'ignore' });
}

const callers = `callers:
  - id: operator
    api_keys: [{ id: k1, sha256: ${keys.operator.sha256} }]
    rules:
      - { id: all, role: operator, tenants: ["*"] }
  - id: reader
    api_keys: [{ id: k1, sha256: ${keys.reader.sha256} }]
    rules:
      - { id: reads, role: token_reader, tenants: ["*"] }
`;

let scenario: Scenario;
let operator: Clients;
let tls: readonly string[];
beforeAll(async () => {
  let folder = '';
  const inFolder = (name: string) => join(folder, name);
  scenario = await startScenario({
    prepare(made) {
      folder = made;
      makeCertificate(folder);
      writeFileSync(inFolder('callers.yaml'), callers);
    },
    environment: {
      get CALLERS_FILE() {
        return inFolder('callers.yaml');
      },
      get TLS_CERT_FILE() {
        return inFolder('tls.crt');
      },
      get TLS_KEY_FILE() {
        return inFolder('tls.key');
      },
      get TLS_CLIENT_CA_FILE() {
        return inFolder('tls.crt');
      },
      get PUBLIC_URL() {
        return 'https://127.0.0.1:8443';
      },
    },
  });
  const read = (name: string) => execFileSync('cat', [inFolder(name)]);
  operator = scenario.clients({
    apiKey: keys.operator.key,
    credentials: ChannelCredentials.createSsl(read('tls.crt'), read('tls.key'), read('tls.crt')),
  });
  tls = ['--ca-file', inFolder('tls.crt'), '--cert-file', inFolder('tls.crt'), '--key-file', inFolder('tls.key')];
  await onboard({ ...scenario, tenants: operator.tenants }, 'acme');
});
afterAll(async () => {
  operator.close();
  await scenario.close();
});

function importWith(key: string | undefined, access: readonly string[]) {
  const files = temporaryFiles();
  const line = { connection: 'ada', refresh_token: 'canary-token' };
  const options = key === undefined ? [] : ['--api-key-file', files.write('key', `${key}\n`)];
  const args = [
    'jsonl',
    '-',
    '--tenant',
    'acme',
    '--scope',
    'Mail.ReadOnly',
    '--verify',
    'on-first-use',
    '--apply',
    '--json',
  ];
  return runImport([...args, '--address', scenario.vault.addresses.admin, ...access, ...options], jsonLines([line]));
}

test('over TLS, with a certificate of its own and an API key from a file, it goes in', async () => {
  const ending = await importWith(keys.operator.key, tls);

  expect(ending.code).toBe(0);
  expect(answerOf(ending).connections.imported).toBe(1);
  const { connections } = await operator.connections.listConnections({ parent: 'tenants/acme' });
  expect(connections.map(({ name }) => name)).toEqual(['tenants/acme/connections/ada']);
});

test.each([
  ['no key', undefined],
  ['an unknown key', keys.stranger.key],
])('with %s it stops at once with 77', async (_, key) => {
  const ending = await importWith(key, tls);

  expect(ending.code).toBe(77);
  expect(answerOf(ending)).toMatchObject({ stopped: expect.any(String), connections: { imported: 0, refused: 0 } });
});

test('a caller that may not is told so line by line, since it may elsewhere', async () => {
  const ending = await importWith(keys.reader.key, tls);

  expect(ending.code).toBe(65);
  expect(answerOf(ending).left_out).toMatchObject([{ line: 1, reason: 'ACCESS_DENIED' }]);
  expect(answerOf(ending).left_out[0]?.next_step).toContain('--api-key-file');
});

test.each([
  ['without TLS', []],
  ['without a client certificate', 'ca'],
  ['with a key and no certificate', ['--key-file', '/x']],
])('%s it says what is missing, and no key or token is told', async (_, access) => {
  const ending = await importWith(keys.operator.key, access === 'ca' ? tls.slice(0, 2) : (access as string[]));

  expect(ending.code).toBeGreaterThanOrEqual(64);
  expect(ending.stderr).toMatch(/--c(a|ert)-file/);
  expect(ending.stdout + ending.stderr).not.toContain(keys.operator.key);
  expect(ending.stdout + ending.stderr).not.toContain('canary');
});

test('an API key file that holds none is refused without telling what it holds', async () => {
  const ending = await importWith('canary', tls);

  expect(ending.code).toBe(65);
  expect(ending.stderr).toContain('holds no API key');
  expect(ending.stderr).not.toContain('canary');
});
