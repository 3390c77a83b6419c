import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { sampleAccessToken } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';
import { temporaryFolder } from './temporary_folder.ts';

const clock = { now: () => 0 };

test('a wrong root key is rejected with both ids, and the file does not change', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const mine = createKek(randomBytes(32));
  const other = createKek(randomBytes(32));
  await (await createStores({ database: openSqlite({ path }), keks: { current: mine }, clock })).close();
  const before = digest(path);
  const database = openSqlite({ path });

  const error = await createStores({ database, keks: { current: other }, clock }).catch((error: VaultError) => error);

  expect(error).toMatchObject({
    reason: 'RECORD_CORRUPT',
    metadata: { kekId: mine.id.toString('hex'), currentKekId: other.id.toString('hex') },
  });
  await database.close();
  expect(digest(path)).toBe(before);
  await (await createStores({ database: openSqlite({ path }), keks: { current: mine }, clock })).close();
});

test('the previous root key opens what it sealed', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const old = createKek(randomBytes(32));
  await (await createStores({ database: openSqlite({ path }), keks: { current: old }, clock })).close();
  const keks = { current: createKek(randomBytes(32)), previous: old };

  await (await createStores({ database: openSqlite({ path }), keks, clock })).close();
});

test.each(['canary', 'deks'] as const)('a database without its %s is rejected', async (missing) => {
  const keks = { current: createKek(randomBytes(32)) };
  const database = openSqlite({ path: ':memory:' });
  await createStores({ database, keks, clock });
  const { meta, deks } = database.tables;
  const deleting = database.write('test', (db) =>
    missing === 'canary' ? db.delete(meta).where(eq(meta.key, 'canary')) : db.delete(deks),
  );
  await deleting.run({});

  const creating = createStores({ database, keks, clock });

  expect(await creating.catch((error: VaultError) => error.reason)).toBe('RECORD_CORRUPT');
});

test('measures each statement, by names that contain no values', async () => {
  const seen = new Set<string>();
  const database = openSqlite({
    path: ':memory:',
    meter: {
      statement(name, duration) {
        expect(duration).toBeGreaterThanOrEqual(0);
        seen.add(name);
      },
    },
  });
  const stores = await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock });
  const vault = await startVault(async () => ({ stores, database }));
  await (await vault.lease()).release();

  expect([...seen]).toEqual(expect.arrayContaining(['commit', 'tenants.insert', 'grants.lease', 'grants.release']));
  for (const name of seen) expect(name).toMatch(/^[a-zA-Z.]+$/);
});

test('a refresh without an event runs no statement for events', async () => {
  const seen: string[] = [];
  const database = openSqlite({ path: ':memory:', meter: { statement: (name) => seen.push(name) } });
  const stores = await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock });
  const { connection, lease } = await startVault(async () => ({ stores, database }));
  const held = await lease();
  seen.length = 0;

  await held.record({ connection, refreshToken: new Secret('rt-2'), accessToken: sampleAccessToken() });

  expect(seen).toEqual(['grants.recordTokens', 'accessTokens.upsert', 'tenants.hasSealVersion', 'commit']);
});

test.each<[what: string, change: Partial<Connection>, statement: string]>([
  ['the state as it was', { verifyTime: 1, lastRefreshTime: 2, keepAliveTime: 3 }, 'grants.record'],
  ['another state', { grantState: 'BLOCKED' }, 'grants.recordState'],
  ['other permissions', { granted: {} }, 'grants.recordState'],
  ['a cooldown', { heldUntil: 1 }, 'grants.recordState'],
])(
  'a record with %s writes no other column, so that SQLite leaves their indexes alone',
  async (_, change, statement) => {
    const seen: string[] = [];
    const database = openSqlite({ path: ':memory:', meter: { statement: (name) => seen.push(name) } });
    const stores = await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock });
    const { connection, lease } = await startVault(async () => ({ stores, database }));
    const held = await lease();
    seen.length = 0;

    await held.record({ connection: { ...connection, ...change }, refreshToken: undefined, accessToken: undefined });

    expect(seen[0]).toBe(statement);
    expect(await stores.connections.findByUid(connection.uid)).toMatchObject(change);
  },
);

test('a page loads the keys of all its tenants with one query', async () => {
  const seen: string[] = [];
  const keks = { current: createKek(randomBytes(32)) };
  const database = openSqlite({ path: ':memory:', meter: { statement: (name) => seen.push(name) } });
  const vault = await startVault(async () => ({ stores: await createStores({ database, keks, clock }), database }));
  for (const name of ['b', 'c', 'd']) await vault.register(name);
  const page = { size: 100, after: undefined };

  for (const list of ['tenants', 'apps'] as const) {
    const stores = await createStores({ database, keks, clock });
    seen.length = 0;
    expect((await stores[list].list(page)).items).toHaveLength(4);
    expect(seen.filter((name) => name.startsWith('deks.'))).toEqual(['deks.findMany']);
  }
});

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
