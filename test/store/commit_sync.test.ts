import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import SqliteConnection from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import type { SyncFile } from '../../src/store/sqlite/write_ahead_log_sync.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { temporaryFolder } from './temporary_folder.ts';

/** A store whose syncs a test decides. They succeed until `disk.sync` is replaced. */
async function openStore() {
  const path = join(temporaryFolder(), 'vault.db');
  const disk: { sync: SyncFile } = { sync: async () => {} };
  const database = openSqlite({ path, syncFile: (descriptor) => disk.sync(descriptor) });
  const stores = await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock: systemClock });
  const register = (name: string) =>
    stores.tenants.register({ tenant: sampleTenant(name), app: undefined, credential: undefined });
  return { path, disk, stores, register };
}

const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    ({ reason, metadata }: VaultError) => `${reason} ${metadata['fault']}`,
  );

test('a commit and a read that would show it wait until the disk has it', async () => {
  const { disk, stores, register } = await openStore();
  const synced = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  disk.sync = () => {
    started.resolve();
    return synced.promise;
  };
  const settled: string[] = [];
  const committed = register('acme').then(() => settled.push('commit'));
  await started.promise;
  const read = stores.tenants.find('acme').then((tenant) => settled.push(`read ${tenant?.tenantId}`));
  const listed = stores.tenants
    .list({ size: 1, after: undefined })
    .then(({ items }) => settled.push(`list ${items.length}`));
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect(settled).toEqual([]);

  synced.resolve();
  await Promise.all([committed, read, listed]);
  expect(settled.toSorted()).toEqual(['commit', 'list 1', 'read acme']);
  await stores.close();
});

test('after a failed sync, the commit is repaired in the database file, which then needs no log', async () => {
  const { path, disk, stores, register } = await openStore();
  disk.sync = async () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };

  await register('acme');

  const alone = `${path}.alone`;
  copyFileSync(path, alone);
  const file = new SqliteConnection(alone, { readonly: true });
  expect(file.prepare('SELECT tenant_id FROM tenants').pluck().all()).toEqual(['acme']);
  file.close();
  await stores.close();
});

test('a failed sync that cannot be repaired stops writes and reads until it can', async () => {
  const { path, disk, stores, register } = await openStore();
  await register('before');
  const { sync } = disk;
  disk.sync = async () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  // The log cannot be emptied while another connection reads it.
  const reader = new SqliteConnection(path, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM tenants').get();

  expect(await faultOf(register('acme'))).toBe('DATABASE_UNAVAILABLE unsynced');
  disk.sync = sync;
  // Linux would report a success: nothing may count on it.
  expect(await faultOf(register('late'))).toBe('DATABASE_UNAVAILABLE unsynced');
  expect(await faultOf(stores.tenants.find('before'))).toBe('DATABASE_UNAVAILABLE unsynced');
  expect(await faultOf(stores.check())).toBe('DATABASE_UNAVAILABLE unsynced');

  reader.close();
  await register('late');
  expect((await stores.tenants.find('before'))?.tenantId).toBe('before');
  expect((await stores.tenants.find('late'))?.tenantId).toBe('late');
  await stores.check();
  await stores.close();
});
