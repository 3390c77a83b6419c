import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelCredentials } from '@grpc/grpc-js';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { type Issued, makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { callersFile, type WrittenCaller } from './callers_file.ts';
import { importAda, onboard } from './onboard.ts';
import { type Clients, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const SUBJECT = 'spiffe://acme.example/ns/mail/sa/sync';
const vaults = makeAuthority('vaults');
const first = makeAuthority('first');
const second = makeAuthority('second');
const operatorKey = newApiKey('operator');
const operator: WrittenCaller = {
  id: 'operator',
  ...operatorKey,
  rules: ['operator', 'connector'].map((role) => ({ role, tenants: ['*'] })),
};
const reader: WrittenCaller = {
  id: 'reader',
  certificates: [{ id: 'pod', spiffe_id: SUBJECT }],
  rules: [{ role: 'token_reader', tenants: ['acme'] }],
};

let folder: string;
let scenario: Scenario;
let connection: string;
const opened: Clients[] = [];
const PATIENT = { timeout: 20_000 };
const inFolder = (name: string) => join(folder, name);

beforeAll(async () => {
  const paths = { CALLERS_FILE: 'callers.yaml', TLS_CERT_FILE: 'tls.crt', TLS_KEY_FILE: 'tls.key' };
  const environment = {
    get TLS_CLIENT_CA_FILE() {
      return `spiffe://acme.example=${inFolder('cas.pem')}`;
    },
    PUBLIC_URL: 'https://127.0.0.1:8443',
  };
  for (const [name, file] of Object.entries(paths))
    Object.defineProperty(environment, name, { enumerable: true, get: () => inFolder(file) });
  scenario = await startScenario({
    environment,
    prepare(made) {
      folder = made;
      const server = vaults.issue({ names: [{ ip: '127.0.0.1' }], purposes: [id_kp_serverAuth] });
      writeFileSync(inFolder('tls.crt'), server.pem);
      writeFileSync(inFolder('tls.key'), server.key);
      writeFileSync(inFolder('cas.pem'), first.pem + second.pem);
      writeFileSync(inFolder('callers.yaml'), callersFile(operator, reader));
    },
  });
  const by = clientsOf({ apiKey: operatorKey.key });
  const as = { ...by, sandbox: scenario.sandbox, callbackUri: scenario.callbackUri };
  connection = await importAda(as, await onboard(as, 'acme'), 'ada');
});
afterAll(async () => {
  for (const clients of opened) clients.close();
  await scenario.close();
});

function clientsOf({ certificate, apiKey }: { readonly certificate?: Issued; readonly apiKey?: string }): Clients {
  const [key, chain] = certificate === undefined ? [null, null] : [certificate.key, certificate.chain].map(Buffer.from);
  const clients = scenario.clients({
    apiKey,
    credentials: ChannelCredentials.createSsl(Buffer.from(vaults.pem), key, chain),
  });
  opened.push(clients);
  return clients;
}

const names = [{ uri: SUBJECT }];

async function readyz(): Promise<string> {
  return (await fetch(`http://${scenario.vault.addresses.ops}/readyz`)).text();
}

/** An open WatchAccessToken of a caller with the certificate, and a call. */
async function watchAndCall(certificate: Issued) {
  const { tokens } = clientsOf({ certificate });
  const stream = tokens.watchAccessToken({ connection })[Symbol.asyncIterator]();
  await stream.next();
  const end = stream.next().catch((error: RpcError) => error.reason);
  return { end, call: () => reasonOf(tokens.getAccessToken({ connection })) };
}

test('a caller gets tokens with its certificate, until its CA is removed from the file', async () => {
  const { end, call } = await watchAndCall(first.issue({ names }));
  const other = await watchAndCall(second.issue({ names }));
  expect(await call()).toBe('OK');

  writeFileSync(inFolder('cas.pem'), second.pem);

  expect(await end).toBe('UNAUTHENTICATED');
  expect(await call()).toBe('UNAUTHENTICATED');
  expect(await other.call()).toBe('OK');
});

test('a broken CA file keeps the CAs in use, and is reported', async () => {
  const { call } = await watchAndCall(second.issue({ names }));
  writeFileSync(inFolder('cas.pem'), second.pem.slice(0, 100));
  await expect.poll(readyz, PATIENT).toContain('client_cas: degraded');
  expect(await call()).toBe('OK');

  writeFileSync(inFolder('cas.pem'), second.pem);
  await expect.poll(readyz, PATIENT).toContain('client_cas: ok');
});

test('a caller that is removed from the callers file is refused, also on an open WatchAccessToken', async () => {
  const { end, call } = await watchAndCall(second.issue({ names }));
  writeFileSync(inFolder('callers.yaml'), callersFile(operator));
  expect(await end).toBe('UNAUTHENTICATED');
  expect(await call()).toBe('UNAUTHENTICATED');
});
