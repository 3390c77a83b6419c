import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { backUp } from './back_up.ts';
import { openTestStores } from './open_test_stores.ts';
import { startProcess } from './other_process.ts';
import { temporaryFolder } from './temporary_folder.ts';

const kek = randomBytes(32).toString('hex');
const keks = { current: createKek(Buffer.from(kek, 'hex')) };

test('a killed vault starts again with the content of its write-ahead log', async () => {
  const path = await killed('acme');
  chmodSync(path, 0o600);

  expect(await tenantsOf(path)).toEqual(['acme']);
});

test('a backup next to the log that it was taken with is rejected and not undone', async () => {
  const path = await killed('kept', 'back_up', 'later', 'last');

  copyFileSync(`${path}.backup`, path);

  await expectStaleLog(path);
  expect(await tenantsOf(path)).toEqual(['kept']);
});

test('a backup next to a later log is rejected and not destroyed', async () => {
  const path = await killed('kept', 'back_up', 'later', 'checkpoint', 'last');

  copyFileSync(`${path}.backup`, path);
  makeLogNewer(path);

  await expectStaleLog(path);
  expect(await tenantsOf(path)).toEqual(['kept']);
});

test('a copy from a clean stop next to the log of the next run is rejected', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path, keks })).close();
  copyFileSync(path, `${path}.backup`);
  await serveAndKill(path, ['later']);

  copyFileSync(`${path}.backup`, path);
  makeLogNewer(path);

  await expectStaleLog(path);
  expect(await tenantsOf(path)).toEqual([]);
});

test('a vault that was killed at any point of a checkpoint starts again', async () => {
  const path = await killed('acme', 'other');
  const [file, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
  await (await openTestStores({ path, keks })).close();
  const checkpointed = await checkpointOf(file, log);

  for (let written = 0; written <= checkpointed.length; written += 4096) {
    const copy = join(temporaryFolder(), 'vault.db');
    writeFileSync(`${copy}-wal`, log);
    writeFileSync(copy, Buffer.concat([checkpointed.subarray(0, written), file.subarray(written)]));
    expect(await tenantsOf(copy)).toEqual(['acme', 'other']);
  }
});

test('a start detects that the write-ahead log was deleted after a kill', async () => {
  const path = await killed('acme');
  rmSync(`${path}-wal`);
  const before = digest(path);

  expect(faultOf(path)).toBe('wal_missing');
  expect(digest(path)).toBe(before);

  rmSync(`${path}.state`);
  expect(await tenantsOf(path)).toEqual([]);
});

test('a vault starts from a backup if the old file and log were deleted', async () => {
  const path = await killed('kept', 'back_up', 'later');
  rmSync(`${path}-wal`);
  rmSync(`${path}-shm`);

  copyFileSync(`${path}.backup`, path);

  expect(await tenantsOf(path)).toEqual(['kept']);
});

test('a vault starts after another program has checkpointed the log of a killed vault', async () => {
  const path = await killed('acme');
  await backUp(path);

  expect(await tenantsOf(path)).toEqual(['acme']);
});

/** A database whose vault did this work, and was killed. */
async function killed(...work: string[]): Promise<string> {
  const path = join(temporaryFolder(), 'vault.db');
  await serveAndKill(path, work);
  return path;
}

async function serveAndKill(path: string, work: readonly string[]): Promise<void> {
  const vault = startProcess('serve_and_wait.ts', [path, kek, ...work]);
  await vault.says('served');
  await vault.kill();
}

/** The file once all of the log is in it, as a checkpoint writes it. */
async function checkpointOf(file: Buffer, log: Buffer): Promise<Buffer> {
  const path = join(temporaryFolder(), 'vault.db');
  writeFileSync(path, file);
  writeFileSync(`${path}-wal`, log);
  await openSqlite({ path }).close();
  return readFileSync(path);
}

function makeLogNewer(path: string): void {
  utimesSync(`${path}-wal`, new Date(), new Date(Date.now() + 60_000));
}

async function expectStaleLog(path: string): Promise<void> {
  const before = digest(path);
  expect(faultOf(path)).toBe('stale_wal');
  expect(digest(path)).toBe(before);
  // What the message says.
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
}

async function tenantsOf(path: string): Promise<readonly string[]> {
  const stores = await openTestStores({ path, keks });
  const { items } = await stores.tenants.list({ size: 100, after: undefined }, undefined);
  await stores.close();
  return items.map(({ tenantId }) => tenantId);
}

function faultOf(path: string): string | undefined {
  try {
    openSqlite({ path });
  } catch (error) {
    return (error as VaultError).metadata['fault'];
  }
  return 'opened';
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

test('a new database that was killed before its first checkpoint opens again', async () => {
  const [path, killed] = [join(temporaryFolder(), 'vault.db'), join(temporaryFolder(), 'vault.db')];
  const database = openSqlite({ path });
  // The files of a process that was killed at this point.
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${killed}${suffix}`);
  await database.close();

  await openSqlite({ path: killed }).close();
});
