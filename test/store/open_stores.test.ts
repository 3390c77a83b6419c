import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKekFile } from '../../src/keyring/file_root_key_source.ts';
import { systemClock } from '../../src/model/clock.ts';
import { openStores } from '../../src/store/open_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
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

test('a start uses the root key of a start that was killed before it created the database', async () => {
  const { kek, open } = place();
  await createKekFile(kek);
  const made = readFileSync(kek);

  await (await open()).close();
  await (await open()).close();

  expect(readFileSync(kek)).toEqual(made);
});

test('a start creates the root key after a start that was killed before the setup', async () => {
  const { path, open } = place();
  await openSqlite({ path }).close();

  await (await open()).close();
  await (await open()).close();
});

test('a copy without the WAL is not mistaken for a new database', async () => {
  const { path, open } = place();
  const stores = await open();
  const copy = join(temporaryFolder(), 'vault.db');
  copyFileSync(path, copy);
  await stores.close();

  const database = openSqlite({ path: copy });

  expect(database.isEmpty).toBe(false);
  await database.close();
});

test('creates no root key for a database that has one', async () => {
  const { kek, open } = place();
  await (await open()).close();
  rmSync(kek);

  await expect(open()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
});

test('a start frees the leases of a process that was killed', async () => {
  const { open } = place();
  const died = await open();
  await died.leases.acquire('leader', 'died', 3_600_000);
  await died.close();

  const stores = await open();

  expect(await stores.leases.acquire('leader', 'next', 3_600_000)).toMatchObject({ epoch: 2 });
  await stores.close();
});
