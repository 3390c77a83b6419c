import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DrizzleQueryError } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { translated } from '../../src/store/translate_database_error.ts';
import { sampleApp, sampleConnection, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';
import { sqliteClientOf } from './sqlite_client.ts';
import { temporaryFolder } from './temporary_folder.ts';

const keks = () => ({ current: createKek(randomBytes(32)) });

async function openFile(path: string) {
  const database = openSqlite({ path });
  return { database, stores: await createStores({ database, keks: keks(), clock: systemClock }) };
}

test('a full disk fails the whole commit; with free space, commits succeed again', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const vault = await startVault(async () => openFile(path));
  const client = await sqliteClientOf(vault.database);
  const before = await vault.dump();
  client.pragma(`max_page_count = ${Number(client.pragma('page_count', { simple: true }))}`);
  const tenant = sampleTenant('big', { displayName: 'x'.repeat(100_000) });
  const app = sampleApp(tenant);
  const registration = { tenant, app, credential: sampleCredential(app) };

  const error = await vault.stores.tenants.register(registration).catch((error: VaultError) => error);

  expect(error).toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { fault: 'SQLITE_FULL' },
    retryAfter: expect.any(Number),
  });
  expect(inspect(error)).not.toContain('xxx');
  expect(await vault.dump()).toEqual(before);
  client.pragma('max_page_count = 1000000');
  const again = { ...tenant, uid: 'another' };
  const itsApp = { ...app, tenantUid: 'another' };
  await vault.stores.tenants.register({ tenant: again, app: itsApp, credential: undefined });
  await vault.database.close();
});

test('a damaged page is reported when it is read, and other rows can be read', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const vault = await startVault(async () => openFile(path));
  const client = await sqliteClientOf(vault.database);
  client.pragma('wal_checkpoint(TRUNCATE)');
  const page = client.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'connections'").pluck().get() as number;
  const size = client.pragma('page_size', { simple: true }) as number;
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(size, 0xee), 0, size, (page - 1) * size);
  closeSync(file);
  client.pragma('shrink_memory');
  client.pragma('cache_size = 0');

  const finding = vault.stores.connections.findByUid(vault.connection.uid);

  expect(await finding.catch((error: VaultError) => error)).toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { fault: expect.stringMatching(/^SQLITE_(CORRUPT|NOTADB)/) },
  });
  expect(await vault.stores.tenants.find('acme')).toMatchObject({ uid: vault.tenant.uid });
  await vault.database.close();
});

test('a closed database is reported as unavailable, not as a bug', async () => {
  const vault = await startVault(async () => openFile(':memory:'));
  await vault.stores.close();

  const finding = vault.stores.tenants.find('acme');

  expect(await finding.catch((error: VaultError) => error)).toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
});

test('a statement that finds a lock reports that another program holds it', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const vault = await startVault(async () => openFile(path));
  const { default: SqliteConnection } = await import('better-sqlite3');
  const intruder = new SqliteConnection(path);
  intruder.exec('BEGIN IMMEDIATE');

  const deleting = vault.stores.connections.delete(vault.connection);

  expect(await deleting.catch((error: VaultError) => error)).toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { fault: 'SQLITE_BUSY' },
  });
  intruder.close();
  await vault.stores.connections.delete(vault.connection);
  await vault.database.close();
});

test('only the code of a query error is kept, not its parameters', () => {
  const cause = Object.assign(new Error('duplicate key value: canary'), { code: '23505', table: 'connections' });

  const error = translated(new DrizzleQueryError('insert into x values ($1)', ['canary'], cause));

  expect(error).toMatchObject({ reason: 'CONNECTION_EXISTS' });
  expect(inspect(error, { depth: 9 })).not.toContain('canary');
});

test('a conflict of external ids on PostgreSQL names the field only', () => {
  const constraint = 'connections_tenant_uid_external_id';
  const cause = Object.assign(new Error('canary'), { code: '23505', table: 'connections', constraint });

  const error = translated(new DrizzleQueryError('update x', ['canary'], cause));

  expect(error).toMatchObject({ reason: 'CONNECTION_EXISTS', metadata: { field: 'external_id' } });
  expect(inspect(error, { depth: 9 })).not.toContain('canary');
});

test.each([
  ['08006', 'DATABASE_UNAVAILABLE'],
  ['57P03', 'DATABASE_UNAVAILABLE'],
  ['40001', 'DATABASE_UNAVAILABLE'],
  ['ECONNREFUSED', 'DATABASE_UNAVAILABLE'],
  ['42P01', 'DATABASE_UNAVAILABLE'],
  ['23503', 'INTERNAL'],
])('PostgreSQL answers %s: %s', (code, reason) => {
  expect(translated(Object.assign(new Error('canary'), { code }))).toMatchObject({ reason });
});

test('a query error without a code is an outage without parameters', () => {
  const error = translated(new DrizzleQueryError('select', ['canary'], new Error('canary')));

  expect(error).toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  expect(inspect(error, { depth: 9 })).not.toContain('canary');
});

test('errors of the vault and of JavaScript are not translated', () => {
  const own = new VaultError('STATE_INVALID', 'x');
  const bug = new TypeError('y');

  expect(translated(own)).toBe(own);
  expect(translated(bug)).toBe(bug);
});

test('an error about an existing name contains no bound values', async () => {
  const vault = await startVault(async () => openFile(':memory:'));
  const again = sampleConnection(vault.tenant, vault.app, 'ada', { externalId: 'canary' });

  const error = await vault.stores.connections.create(again).catch((error: unknown) => error);

  expect(error).toMatchObject({ reason: 'CONNECTION_EXISTS' });
  expect(inspect(error, { depth: 9 })).not.toContain('canary');
});
