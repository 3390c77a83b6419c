import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { openTestStores } from './open_test_stores.ts';
import { startProcess } from './other_process.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('creates folder and file for their owner only', async () => {
  const path = join(temporaryFolder(), 'deep', 'data', 'vault.db');
  await (await openTestStores({ path })).close();

  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}.lock`).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
});

test('a database is empty until a vault is set up in it', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const before = openSqlite({ path });
  expect(before.isEmpty).toBe(true);
  await before.close();
  await (await openTestStores({ path })).close();

  const after = openSqlite({ path });
  expect(after.isEmpty).toBe(false);
  await after.close();
});

test('an empty file is a new database', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  writeFileSync(path, '');

  await (await openTestStores({ path })).close();
});

test('a file whose process was killed before the first migration is a new database', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const client = new SqliteConnection(path);
  client.pragma('journal_mode = WAL');
  client.close();

  await (await openTestStores({ path })).close();
});

test('a schema newer than the program', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const future = { time: 9_999_999_999_999, hash: 'x', statements: ['CREATE TABLE future (a)'] };
  await openSqlite({ path, migrations: [...readMigrations('sqlite'), future] }).close();

  await expectRefusal(path, 'newer_schema');
});

test.each([1, 2, 3, 4, 5, 6])(
  'a database that was set up with the first %i migrations, before names were bound',
  async (count) => {
    const path = join(temporaryFolder(), 'vault.db');
    await openSqlite({ path, migrations: readMigrations('sqlite').slice(0, count) }).close();
    const client = new SqliteConnection(path);
    client.exec("INSERT INTO meta VALUES ('deployment_id', x'61')");
    client.close();

    await expectRefusal(path, 'older_schema');
  },
);

test('a failed migration does not change the schema', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path })).close();
  const broken = { time: 9_999_999_999_999, hash: 'x', statements: ['CREATE TABLE half (a)', 'CREATE BROKEN'] };
  const before = digest(path);

  expect(faultOf(() => openSqlite({ path, migrations: [...readMigrations('sqlite'), broken] }))).toBe('schema');

  expect(digest(path)).toBe(before);
  await openSqlite({ path }).close();
});

test('a file that another process serves', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const kek = 'ab'.repeat(31).concat('00');
  const other = startProcess('hold_lease.ts', [path, kek, 'nobody']);
  await other.says('refused');

  await expectRefusal(path, 'locked');
  await other.kill();
  await openSqlite({ path }).close();
});

test('the same file under another name, by a symbolic link', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'vault.db');
  symlinkSync(path, join(folder, 'link.db'));
  symlinkSync(folder, join(folder, 'folder'));
  const open = openSqlite({ path });

  for (const name of ['link.db', 'folder/vault.db', 'folder/link.db']) {
    expect(faultOf(() => openSqlite({ path: join(folder, name) }))).toBe('locked');
  }
  await open.close();
});

test('a name with spaces at its ends is the same file with the same lock', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'vault.db');
  const open = openSqlite({ path: `${path} ` });

  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder).filter((name) => name !== name.trim())).toEqual([]);
  for (const name of [path, ` ${path}`, `${path}\t`]) expect(faultOf(() => openSqlite({ path: name }))).toBe('locked');
  await open.close();

  writeFileSync(join(folder, 'blank '), '');
  symlinkSync(join(folder, 'blank '), join(folder, 'link.db'));
  expect(faultOf(() => openSqlite({ path: join(folder, 'link.db') }))).toBe('name');
});

test('a file with a second name by a hard link', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'vault.db');
  const open = openSqlite({ path });
  linkSync(path, join(folder, 'other.db'));

  expect(faultOf(() => openSqlite({ path: join(folder, 'other.db') }))).toBe('linked');

  await open.close();
  rmSync(join(folder, 'other.db'));
  await openSqlite({ path }).close();
});

test('an incomplete copy', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path })).close();
  for (const size of [statSync(path).size - 4096, 4096, 512, 99, 7]) {
    truncateSync(path, size);
    await expectRefusal(path, 'truncated');
  }
});

test('a file whose checkpoint was killed is intact, because the rest is in the WAL', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const copy = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path })).close();
  const client = new SqliteConnection(path);
  client.pragma('wal_autocheckpoint = 0');
  client.exec("INSERT INTO meta VALUES ('filling', zeroblob(200000))");
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  client.close();
  // Pages go into the file in their order, so its header comes first.
  const [after, halfway] = [readFileSync(path), readFileSync(copy)];
  after.copy(halfway, 0, 0, 4096);
  writeFileSync(copy, halfway);
  expect(after.length).toBeGreaterThan(halfway.length);

  await openSqlite({ path: copy }).close();

  expect(readFileSync(copy).equals(after)).toBe(true);
});

test('a damaged file', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path })).close();
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xee, 100, 4096));

  await expectRefusal(path, 'corrupt');
});

test('damaged pages of a file that changed since a vault closed it', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path })).close();
  const client = new SqliteConnection(path, { readonly: true });
  const page = Number(client.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'connections'").pluck().get());
  client.close();
  writeFileSync(path, readFileSync(path).fill(0xee, (page - 1) * 4096, page * 4096));

  await expectRefusal(path, 'corrupt');
});

test('a missing table', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const keks = { current: createKek(randomBytes(32)) };
  await (await openTestStores({ path, keks })).close();
  const client = new SqliteConnection(path);
  client.exec('DROP TABLE access_tokens');
  client.close();

  await expect(openTestStores({ path, keks })).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { path, fault: 'schema' },
  });
});

test("a vault's database without its own records is not a new one", async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const stores = await openTestStores({ path });
  await stores.tenants.register({ tenant: sampleTenant('acme'), app: undefined, credential: undefined });
  await stores.close();
  const client = new SqliteConnection(path);
  client.exec('DELETE FROM meta; DELETE FROM deks');
  client.close();

  expect(faultOf(() => openSqlite({ path }))).toBe('emptied');
});

test("another program's database, with and without an application id, with and without a WAL", async () => {
  for (const [applicationId, journal] of [
    [0, 'delete'],
    [42, 'delete'],
    [0, 'wal'],
  ] as const) {
    const path = join(temporaryFolder(), 'other.db');
    const client = new SqliteConnection(path);
    client.pragma(`journal_mode = ${journal}`);
    client.pragma(`application_id = ${applicationId}`);
    client.exec('CREATE TABLE migrations (a); INSERT INTO migrations VALUES (1)');
    client.close();

    await expectRefusal(path, 'foreign');
    expect(existsSync(`${path}.lock`)).toBe(false);
  }
});

test('a file that is not a database', async () => {
  const path = join(temporaryFolder(), 'notes.txt');
  writeFileSync(path, 'Dear diary, '.repeat(1000));

  await expectRefusal(path, 'not_a_database');
});

test('a folder, and a file in place of the folder', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'vault.db'));
  writeFileSync(join(folder, 'file'), 'x');

  expect(faultOf(() => openSqlite({ path: join(folder, 'vault.db') }))).toBe('not_a_file');
  expect(faultOf(() => openSqlite({ path: join(folder, 'file', 'vault.db') }))).toBe('folder');
  expect(existsSync(join(folder, 'vault.db.lock'))).toBe(false);
});

test('a folder without write permission', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'vault.db');
  await (await openTestStores({ path })).close();
  // Its owner's alone: it would refuse somebody else before the folder does.
  rmSync(`${path}.lock`);
  chmodSync(path, 0o444);
  chmodSync(folder, 0o555);
  const before = digest(path);

  // Root may write everywhere, so as root the test is somebody else.
  const user = process.getuid?.() === 0 ? ['65534'] : [];
  const said = await startProcess('open_and_exit.ts', [path, ...user]).end();

  expect(JSON.parse(said)).toMatchObject({ reason: 'DATABASE_UNAVAILABLE', metadata: { path } });
  expect(digest(path)).toBe(before);
});

test('a file system that is mounted read-only', async (context) => {
  const folder = temporaryFolder();
  const path = join(folder, 'vault.db');
  await (await openTestStores({ path })).close();
  const mounted = spawnSync('mount', ['--bind', folder, folder]);
  // Only root of a machine that allows it may mount.
  if (mounted.status !== 0) return context.skip();
  onTestFinished(() => void spawnSync('umount', [folder]));
  spawnSync('mount', ['-o', 'remount,ro,bind', folder]);

  await expectRefusal(path, 'read_only');
  expect(faultOf(() => openSqlite({ path: join(folder, 'new.db') }))).toBe('read_only');
});

test('a URL of another kind is rejected without repeating it', async () => {
  const opening = openDatabase({ url: 'mysql://user:canary@host/db' });

  const error = await opening.then(
    () => undefined,
    (error: VaultError) => error,
  );
  expect(error?.reason).toBe('FIELD_INVALID');
  expect(error?.message).not.toContain('canary');
});

async function expectRefusal(path: string, fault: string): Promise<void> {
  const before = digest(path);
  expect(faultOf(() => openSqlite({ path }))).toBe(fault);
  expect(digest(path)).toBe(before);
}

function faultOf(open: () => unknown): string | undefined {
  try {
    open();
  } catch (error) {
    const { reason, metadata, message } = error as VaultError;
    expect(reason).toBe('DATABASE_UNAVAILABLE');
    expect(message).toContain(metadata['path'] ?? 'no path');
    return metadata['fault'];
  }
  return 'opened';
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
