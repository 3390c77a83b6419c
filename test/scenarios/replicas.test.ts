import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { WatchAuthorizationResponse_State as State } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { startVault, type Vault } from '../../src/startup/start_vault.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { callersFile } from './callers_file.ts';
import { CONTOSO_USER, importAda, type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { prefixed } from './spawn_serve.ts';
import { type Clients, createClients, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** Suspensions must arrive within a second; the machine of a test may be slow. */
const PATIENCE = { timeout: 30_000 };

let server: PostgresServer;
let first: Scenario;
let vault: Vault;
/** Of a further process on the same database. */
let configWith: (environment: Readonly<Record<string, string>>) => ReturnType<typeof readConfig>;
let second: Clients;
let tenant: Onboarded;
beforeAll(async () => {
  server = await startPostgres();
  const url = await server.createDatabase();
  const prepare = (folder: string) => writeFileSync(join(folder, 'kek'), randomBytes(32), { mode: 0o600 });
  first = await startScenario({ environment: { DATABASE_URL: url }, prepare });
  const address = '127.0.0.1:0';
  const addresses = { GRPC_ADDRESS: address, ADMIN_ADDRESS: address, WEB_ADDRESS: address, OPS_ADDRESS: address };
  configWith = (environment) =>
    readConfig(
      prefixed({
        ...addresses,
        PUBLIC_URL: first.publicUrl,
        DATABASE_URL: url,
        KEY_SOURCE: `file:${join(first.folder, 'kek')}`,
        AUDIT_FILE: join(first.folder, 'audit-2.jsonl'),
        SANDBOX: first.sandbox.url,
        LOG_LEVEL: 'error',
        ...environment,
      }),
    );
  vault = await startVault(configWith({}));
  second = createClients(vault.addresses, {});
  tenant = await onboard(first, 'acme');
});
afterAll(async () => {
  second.close();
  await first.close();
  await server.close();
});

const ask = (replica: Pick<Clients, 'tokens'>, connection: string) =>
  replica.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });

/** A connection whose token both replicas have in memory. */
async function connected(id: string, of = tenant): Promise<string> {
  const connection = await importAda(first, of, id);
  for (const replica of [first, second]) {
    await ask(replica, connection);
    expect((await ask(replica, connection)).source).toBe(TokenSource.CACHE);
  }
  return connection;
}

async function ops(path: string, address = vault.addresses.ops): Promise<string> {
  return (await fetch(`http://${address}${path}`)).text();
}

test('both replicas count each other, and report their feed', async () => {
  const metrics = await ops('/metrics');
  expect(metrics).toContain('\ntokenvault_replicas 2\n');
  expect(metrics).toContain('\ntokenvault_changes_feed_behind 0\n');
  expect(await ops('/readyz')).toContain('changes: ok');
});

test('a suspended connection is not served by the other replica, and served again once resumed', async () => {
  const connection = await connected('ada');

  await first.connections.suspendConnection({ name: connection });
  await expect.poll(() => reasonOf(ask(second, connection)), PATIENCE).toBe('CONNECTION_SUSPENDED');
  await second.connections.resumeConnection({ name: connection });

  await expect.poll(() => reasonOf(ask(first, connection)), PATIENCE).toBe('OK');
});

test('tokens of a deleted tenant are not served by the other replica', async () => {
  const beta = await onboard(first, 'beta');
  const connection = await connected('ada', beta);
  const { tenant: stored } = await second.tenants.getTenant({ name: beta.name });

  await second.tenants.deleteTenant({ name: beta.name, etag: stored?.etag ?? '', force: true });

  await expect.poll(() => reasonOf(ask(first, connection)), PATIENCE).toBe('TENANT_NOT_FOUND');
});

test('a watcher at one replica receives the events of both', async () => {
  const connection = await connected('bob');
  const seen: string[] = [];
  const stream = second.events.watchEvents({ parent: tenant.name, cursor: '-', types: ['connection.'] });
  await first.connections.suspendConnection({ name: connection });
  await second.connections.resumeConnection({ name: connection });

  for await (const { event } of stream) {
    if (event?.subject !== connection) continue;
    seen.push(`${event.data['change']} ${event.data['state']}`);
    if (seen.length === 3) break;
  }

  expect(seen).toEqual(['CREATED ACTIVE', 'STATE SUSPENDED', 'STATE ACTIVE']);
});

test('a user who connects at one replica is seen by a watcher at the other one', async () => {
  const request = { connection: tenant.connection('watched'), scopes: ['Mail.ReadOnly'], returnUrl: RETURN_URL };
  const { connectUri, authorizationId } = await first.connections.startAuthorization(request);
  const states: State[] = [];
  const { connection } = request;

  for await (const { state } of second.connections.watchAuthorization({ connection, authorizationId })) {
    states.push(state);
    if (states.length > 1) continue;
    const { url } = await first.browser.walk(connectUri, { as: CONTOSO_USER });
    const confirmation = url.searchParams.get('confirmation') ?? '';
    await first.connections.confirmAuthorization({ connection, confirmation });
  }

  expect([states[0], states.at(-1)]).toEqual([State.PENDING, State.GRANTED]);
});

test('labels that an administrator sets at one replica decide at another one', async () => {
  const connection = await connected('labels');
  const mail = {
    id: 'mail',
    ...newApiKey('mail'),
    rules: [{ role: 'token_reader', tenants: { 'access.tier': 'gold' } }],
  };
  const file = join(first.folder, 'callers.yaml');
  writeFileSync(file, callersFile(mail));
  const audit = join(first.folder, 'audit-3.jsonl');
  const third = await startVault(configWith({ CALLERS_FILE: file, AUDIT_FILE: audit }));
  const clients = createClients(third.addresses, { apiKey: mail.key });
  onTestFinished(async () => {
    clients.close();
    await third.stop();
  });
  expect(await reasonOf(ask(clients, connection))).toBe('ACCESS_DENIED');

  await second.tenants.setAccessLabels({ name: tenant.name, labels: { 'access.tier': 'gold' } });
  await expect.poll(() => reasonOf(ask(clients, connection)), PATIENCE).toBe('OK');
  await first.tenants.setAccessLabels({ name: tenant.name, labels: {} });

  await expect.poll(() => reasonOf(ask(clients, connection)), PATIENCE).toBe('ACCESS_DENIED');
});

test('a replica that stops no longer counts, and the other one keeps serving', async () => {
  const connection = await connected('eve');

  await vault.stop();

  expect(await ops('/metrics', first.vault.addresses.ops)).toContain('\ntokenvault_replicas 1\n');
  expect(await reasonOf(ask(first, connection))).toBe('OK');
});
