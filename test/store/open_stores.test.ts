import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKekFile } from '../../src/keyring/file_key_source.ts';
import { systemClock } from '../../src/model/clock.ts';
import { openStores } from '../../src/store/open_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open.ts';
import { temporaryFolder } from './temporary_folder.ts';

function place() {
  const folder = temporaryFolder();
  const path = join(folder, 'vault.db');
  const kek = join(folder, 'keys', 'kek');
  return {
    path,
    kek,
    open: () => openStores({ databaseUrl: `sqlite:${path}`, keySource: `file:${kek}`, clock: systemClock }),
  };
}

test('killed after the root key was made, and before the database was: the next start takes that key', async () => {
  const { kek, open } = place();
  await createKekFile(kek);
  const made = readFileSync(kek);

  await (await open()).close();
  await (await open()).close();

  expect(readFileSync(kek)).toEqual(made);
});

test('killed after the database was migrated, and before it was set up: the next start makes the root key', async () => {
  const { path, open } = place();
  await openSqlite({ path }).close();

  await (await open()).close();
  await (await open()).close();
});

test('a copy of a running vault that left its WAL out is no new database', async () => {
  const { path, open } = place();
  const stores = await open();
  const copy = join(temporaryFolder(), 'vault.db');
  copyFileSync(path, copy);
  await stores.close();

  const database = openSqlite({ path: copy });

  expect(database.isEmpty).toBe(false);
  await database.close();
});

test('makes no root key beside a database that has one', async () => {
  const { kek, open } = place();
  await (await open()).close();
  rmSync(kek);

  await expect(open()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
});

test('who died with a lease on the work that one does for all keeps nobody waiting', async () => {
  const { open } = place();
  const died = await open();
  await died.leases.acquire('leader', 'died', 3_600_000);
  await died.close();

  const stores = await open();

  expect(await stores.leases.acquire('leader', 'next', 3_600_000)).toBe(true);
  await stores.close();
});
