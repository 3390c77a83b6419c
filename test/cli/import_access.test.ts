import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelCredentials } from '@grpc/grpc-js';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import { makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { callersFile } from '../scenarios/callers_file.ts';
import { onboard } from '../scenarios/onboard.ts';
import { type Clients, type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { answerOf, jsonLines, runImport, temporaryFiles } from './import_program.ts';

const keys = { operator: newApiKey('operator'), reader: newApiKey('reader'), unknown: newApiKey('unknown') };

const vaults = makeAuthority('vaults');
const clients = makeAuthority('clients');

function writeCertificates(folder: string): void {
  const server = vaults.issue({ names: [{ ip: '127.0.0.1' }], purposes: [id_kp_serverAuth] });
  const client = clients.issue({ names: [{ dns: 'migration.acme.example' }] });
  const files = {
    'vaults.pem': vaults.pem,
    'clients.pem': clients.pem,
    'tls.crt': server.pem,
    'tls.key': server.key,
    'client.crt': client.chain,
    'client.key': client.key,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

const callers = callersFile(
  { id: 'operator', ...keys.operator, rules: [{ role: 'operator', tenants: ['*'] }] },
  { id: 'reader', ...keys.reader, rules: [{ role: 'token_reader', tenants: ['*'] }] },
  {
    id: 'migration',
    certificates: [{ id: 'vm', dns_name: 'migration.acme.example' }],
    rules: [{ role: 'operator', tenants: ['*'] }],
  },
);

let scenario: Scenario;
let operator: Clients;
let tls: readonly string[];
beforeAll(async () => {
  let folder = '';
  const inFolder = (name: string) => join(folder, name);
  scenario = await startScenario({
    prepare(made) {
      folder = made;
      writeCertificates(folder);
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
        return `dns=${inFolder('clients.pem')}`;
      },
      get PUBLIC_URL() {
        return 'https://127.0.0.1:8443';
      },
    },
  });
  const read = (name: string) => readFileSync(inFolder(name));
  operator = scenario.clients({
    apiKey: keys.operator.key,
    credentials: ChannelCredentials.createSsl(read('vaults.pem')),
  });
  tls = [
    '--ca-file',
    inFolder('vaults.pem'),
    '--cert-file',
    inFolder('client.crt'),
    '--key-file',
    inFolder('client.key'),
  ];
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

test('imports over TLS with a client certificate and an API key from a file', async () => {
  const result = await importWith(keys.operator.key, tls);

  expect(result.code).toBe(0);
  expect(answerOf(result).connections.imported).toBe(1);
  const { connections } = await operator.connections.listConnections({ parent: 'tenants/acme' });
  expect(connections.map(({ name }) => name)).toEqual(['tenants/acme/connections/ada']);
});

test('imports with a client certificate alone', async () => {
  const result = await importWith(undefined, tls);

  expect(result.code).toBe(0);
  expect(answerOf(result).left_out).toEqual([]);
});

test.each([
  ['no key', undefined],
  ['an unknown key', keys.unknown.key],
])('with %s the import stops at once with 77', async (_, key) => {
  const result = await importWith(key, key === undefined ? tls.slice(0, 2) : tls);

  expect(result.code).toBe(77);
  expect(answerOf(result)).toMatchObject({ stopped: expect.any(String), connections: { imported: 0, refused: 0 } });
});

test('a caller without permission gets an error for each line', async () => {
  const result = await importWith(keys.reader.key, tls);

  expect(result.code).toBe(65);
  expect(answerOf(result).left_out).toMatchObject([{ line: 1, reason: 'ACCESS_DENIED' }]);
  expect(answerOf(result).left_out[0]?.next_step).toContain('--api-key-file');
});

test.each([
  ['without TLS', []],
  ['with a key and no certificate', ['--key-file', '/x']],
])('%s the error names the missing option, and no key or token', async (_, access) => {
  const result = await importWith(keys.operator.key, access);

  expect(result.code).toBeGreaterThanOrEqual(64);
  expect(result.stderr).toMatch(/--c(a|ert)-file/);
  expect(result.stdout + result.stderr).not.toContain(keys.operator.key);
  expect(result.stdout + result.stderr).not.toContain('canary');
});

test('a file without an API key is refused without its content', async () => {
  const result = await importWith('canary', tls);

  expect(result.code).toBe(65);
  expect(result.stderr).toContain('holds no API key');
  expect(result.stderr).not.toContain('canary');
});
