import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createSampleVault, modeOf } from './sample_vault.ts';

test('a backup beside a running vault is one file with all rows, for its owner only', async () => {
  const vault = await createSampleVault();
  const running = await vault.open();
  const before = await running.tenants.find('acme');

  const { code, stdout } = await vault.run(['backup', 'create', '--to', 'backup.db']);

  expect(code).toBe(0);
  expect(stdout).toContain('backup.db');
  expect(readdirSync(vault.folder).sort()).toEqual(['backup.db', 'data', 'keys']);
  expect(modeOf(vault.path('backup.db'))).toBe(0o600);
  await running.close();
  const restored = await vault.open(vault.path('backup.db'));
  expect(await restored.tenants.find('acme')).toEqual(before);
  await restored.close();
});

test('an existing file is refused, and replaced with --overwrite', async () => {
  const vault = await createSampleVault();
  writeFileSync(vault.path('backup.db'), 'older');

  const refused = await vault.run(['backup', 'create', '--to', 'backup.db']);
  expect(refused.code).toBe(73);
  expect(refused.stderr).toContain('--overwrite');
  expect(readFileSync(vault.path('backup.db'), 'utf8')).toBe('older');

  const replaced = await vault.run(['backup', 'create', '--to', 'backup.db', '--overwrite']);
  expect(replaced.code).toBe(0);
  await (await vault.open(vault.path('backup.db'))).close();
});

test('the database itself is never overwritten', async () => {
  const vault = await createSampleVault();
  const before = readFileSync(vault.database);

  const { code } = await vault.run(['backup', 'create', '--to', 'data/vault.db', '--overwrite']);

  expect(code).toBe(73);
  expect(readFileSync(vault.database).equals(before)).toBe(true);
});

test('a damaged database does not replace an older backup', async () => {
  const vault = await createSampleVault();
  const bytes = readFileSync(vault.database);
  // An inner page: the header and the schema stay readable.
  bytes.fill(0xff, bytes.length - 3 * 4096, bytes.length - 4096);
  writeFileSync(vault.database, bytes);
  writeFileSync(vault.path('backup.db'), 'older');

  const { code, stderr } = await vault.run(['backup', 'create', '--to', 'backup.db', '--overwrite']);

  expect(code).toBe(65);
  expect(stderr).toContain('is damaged');
  expect(readFileSync(vault.path('backup.db'), 'utf8')).toBe('older');
  expect(readdirSync(vault.folder).sort()).toEqual(['backup.db', 'data', 'keys']);
});

test('a missing database and a folder that cannot be written are named', async () => {
  const vault = await createSampleVault();

  const missing = await vault.run(['backup', 'create', '--to', 'b.db'], { TOKENVAULT_DATABASE_URL: 'sqlite:other.db' });
  expect([missing.code, missing.stderr]).toEqual([65, expect.stringContaining('other.db has no vault in it')]);

  const noFolder = await vault.run(['backup', 'create', '--to', 'missing/backup.db']);
  expect([noFolder.code, noFolder.stderr]).toEqual([73, expect.stringContaining('missing/backup.db')]);
  expect(readdirSync(vault.folder).sort()).toEqual(['data', 'keys']);
});

test('a backup has the containments, also those of a vault that serves it', async () => {
  const vault = await createSampleVault();
  const stores = await vault.open();
  const containment = { subject: 'tenants/acme', reason: 'Key leaked', caller: 'ops', createTime: 1_000 };
  await stores.containments.contain(containment);

  expect((await vault.run(['backup', 'create', '--to', 'backup.db'])).code).toBe(0);

  await stores.close();
  const restored = await vault.open(vault.path('backup.db'));
  expect(await restored.containments.list()).toMatchObject([containment]);
  await restored.close();
});
