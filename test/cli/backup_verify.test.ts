import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import SqliteConnection from 'better-sqlite3';
import { expect, test } from 'vitest';
import { addRootKey } from '../faults/many_tenants.ts';
import { rootKeyId } from '../store/independent_reader.ts';
import { createSampleVault, runSql, type SampleVault } from './sample_vault.ts';

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A backup of a vault with 1,000 connections. */
async function createBackup(): Promise<SampleVault> {
  const vault = await createSampleVault(async ({ connect }) => {
    for (let number = 1; number < 1_000; number++) await connect(`user-${number}`);
  });
  await vault.run(['backup', 'create', '--to', 'backup.db']);
  return vault;
}

function query(file: string, sql: string): unknown {
  const client = new SqliteConnection(file, { readonly: true });
  const found = client.prepare(sql).pluck().get();
  client.close();
  return found;
}

test('a sound backup has every value opened, and is not changed', async () => {
  const vault = await createBackup();
  const before = hashOf(vault.path('backup.db'));
  chmodSync(vault.path('backup.db'), 0o400);

  const { code, stdout } = await vault.run(['backup', 'verify', 'backup.db']);

  expect(code).toBe(0);
  expect(stdout).toMatch(/2 data keys, 2,003 sealed values, 1,001 MACs: 3,004 ok, 0 damaged, 0 not checked/);
  expect(stdout).toMatch(/The backup needs the root key [0-9a-f]{32}, for 2 data keys\./);
  expect(hashOf(vault.path('backup.db'))).toBe(before);
  expect(readdirSync(vault.folder).sort()).toEqual(['backup.db', 'data', 'keys']);
});

test('one damaged value among 1,000 connections is named, and no other', async () => {
  const vault = await createBackup();
  const file = vault.path('backup.db');
  const uid = query(file, "SELECT uid FROM connections WHERE connection_id = 'user-500'");
  const whole = query(file, "SELECT refresh_token FROM connections WHERE connection_id = 'user-500'") as Buffer;
  whole[whole.length - 1] = (whole.at(-1) ?? 0) ^ 1;
  runSql(file, `UPDATE connections SET refresh_token = x'${whole.toString('hex')}' WHERE connection_id = 'user-500'`);

  const { code, stdout } = await vault.run(['backup', 'verify', 'backup.db']);

  expect(code).toBe(65);
  const [first, second] = stdout.split('\n');
  expect(first).toBe(`connections ${uid} refresh_token: was changed or moved (tag)`);
  expect(second).toContain('3,003 ok, 1 damaged, 0 not checked');
  expect(stdout).not.toContain('rt-of-user-500');
});

test('columns that a MAC covers, a missing data key and a missing canary are named', async () => {
  const vault = await createBackup();
  const file = vault.path('backup.db');
  const uid = query(file, "SELECT uid FROM connections WHERE connection_id = 'user-7'");
  runSql(file, "UPDATE connections SET object_id = 'other' WHERE connection_id = 'user-7'");

  const changed = await vault.run(['backup', 'verify', 'backup.db']);

  expect(changed.code).toBe(65);
  expect(changed.stdout).toContain(`connections ${uid} mac: does not match the columns that it covers`);

  runSql(file, "DELETE FROM meta WHERE key = 'canary'; DELETE FROM deks WHERE tenant_uid <> 'vault'");
  const keyless = await vault.run(['backup', 'verify', 'backup.db']);
  expect(keyless.code).toBe(65);
  expect(keyless.stdout).toContain(`connections ${uid} refresh_token: belongs to a tenant without a data key`);
  expect(keyless.stdout).toContain('meta canary value: is missing');
});

test('the wrong root key is reported once, not for each value', async () => {
  const [vault, other] = [await createBackup(), await createSampleVault()];

  const { code, stdout } = await vault.run(['backup', 'verify', 'backup.db'], {
    TOKENVAULT_KEY_SOURCE: `file:${other.path('keys/kek')}`,
  });

  expect(code).toBe(65);
  expect(stdout).toContain('0 ok, 0 damaged, 3,004 not checked');
  expect(stdout).toContain('Set TOKENVAULT_KEY_SOURCE to the key of this backup');
  expect(stdout.trimEnd().split('\n').length).toBeLessThan(6);
});

test('a database that a vault serves can be verified too', async () => {
  const vault = await createSampleVault();
  const running = await vault.open();

  const { code, stdout } = await vault.run(['backup', 'verify', 'data/vault.db']);

  expect([code, stdout]).toEqual([0, expect.stringContaining('0 damaged')]);
  await running.close();
});

test('a file that is missing, or no backup, is refused', async () => {
  const vault = await createSampleVault();

  const missing = await vault.run(['backup', 'verify', 'missing.db']);
  expect([missing.code, missing.stderr]).toEqual([65, expect.stringContaining('missing.db has no vault in it')]);
  const foreign = await vault.run(['backup', 'verify', 'keys/kek']);
  expect([foreign.code, foreign.stderr]).toEqual([65, expect.stringContaining('is not a SQLite database')]);
});

test('a backup from the middle of a rotation names both root keys that it needs', async () => {
  const vault = await createSampleVault();
  const young = rootKeyId(addRootKey(vault.path('keys/kek'))).toString('hex');
  const stores = await vault.open();
  const old = (await stores.rootKeys.read()).active.id;
  await stores.rootKeys.activate(young, 0);
  await stores.rootKeys.rewrap(undefined, 1);
  await stores.close();
  await vault.run(['backup', 'create', '--to', 'backup.db']);

  const whole = await vault.run(['backup', 'verify', 'backup.db']);
  expect([whole.code, whole.stdout]).toEqual([0, expect.stringContaining('0 damaged, 0 not checked')]);
  for (const id of [old, young])
    expect(whole.stdout).toContain(`The backup needs the root key ${id}, for 1 data keys.`);

  rmSync(vault.path('keys/kek.previous'));
  const lacking = await vault.run(['backup', 'verify', 'backup.db']);
  expect([lacking.code, lacking.stdout]).toEqual([
    65,
    expect.stringContaining(`The key source has ${young}, and not ${old}.`),
  ]);
});

test('an active root key that was changed in the backup is named', async () => {
  const vault = await createSampleVault();
  runSql(vault.database, "UPDATE meta SET value = x'00112233445566778899aabbccddeeff' WHERE key = 'active_root_key'");
  const changed = await vault.run(['backup', 'verify', vault.database]);
  expect([changed.code, changed.stdout]).toEqual([65, expect.stringContaining('meta active_root_key value: does not')]);

  runSql(vault.database, "DELETE FROM meta WHERE key = 'active_root_key'");
  const missing = await vault.run(['backup', 'verify', vault.database]);
  expect(missing.stdout).toContain('meta active_root_key value: is missing');
});
