import { once } from 'node:events';
import { readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createSampleVault, runSql, type SampleVault } from '../cli/sample_vault.ts';

const CREATE = ['backup', 'create', '--to', 'backup.db', '--overwrite'];

/** A vault of about 100 MB, whose backup takes several steps. */
async function createLargeVault(): Promise<SampleVault> {
  const vault = await createSampleVault();
  runSql(
    vault.database,
    `WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 100)
     INSERT INTO outbox (uid, type, tenant_uid, tenant_id, subject, time, data)
     SELECT number, 'connection.changed', 't', 'acme', 's', 0, json_quote(hex(zeroblob(500000))) FROM numbers`,
  );
  return vault;
}

/** Sends a signal once the first part of the backup is written. */
async function interrupt(vault: SampleVault, signal: NodeJS.Signals): Promise<{ code: number | null }> {
  const { child, ended } = vault.start(CREATE);
  const watcher = watch(vault.folder);
  for (;;) {
    await once(watcher, 'change');
    if (readdirSync(vault.folder).some((name) => name.endsWith('.partial'))) break;
  }
  watcher.close();
  child.kill(signal);
  return ended;
}

test('a backup that is killed leaves the older one as it is', { timeout: 60_000 }, async () => {
  const vault = await createLargeVault();
  writeFileSync(vault.path('backup.db'), 'older');

  await interrupt(vault, 'SIGKILL');

  expect(readFileSync(vault.path('backup.db'), 'utf8')).toBe('older');
  expect((await vault.run(CREATE)).code).toBe(0);
  const restored = await vault.open(vault.path('backup.db'));
  expect(await restored.tenants.find('acme')).toBeDefined();
  await restored.close();
});

test('a backup that is interrupted removes its file, and says so', { timeout: 60_000 }, async () => {
  const vault = await createLargeVault();

  const { code } = await interrupt(vault, 'SIGTERM');

  expect(code).toBe(143);
  expect(readdirSync(vault.folder).sort()).toEqual(['data', 'keys']);
});
