import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sampleRotation } from '../conformance/sample_rows.ts';
import { createSampleVault } from './sample_vault.ts';

test('a restored database gets a new instance id, and its older rows count as those of its original', async () => {
  const vault = await createSampleVault(async ({ stores, app }) => {
    await stores.rotations.begin(sampleRotation(app, { step: 'ADD' }));
  });
  const first = await vault.open();
  const { instance } = first;
  await first.close();
  expect(instance.copyTime).toBe(0);

  const { code, stdout } = await vault.run(['backup', 'restored']);

  expect(code).toBe(0);
  const again = await vault.open();
  expect(again.instance.id).not.toBe(instance.id);
  expect(stdout).toContain(`new instance id ${again.instance.id} instead of ${instance.id}`);
  expect(stdout).toContain('rotation in progress: tenants/acme/apps/default (ADD)');
  expect(again.instance.copyTime).toBeGreaterThan(0);
  await again.close();
});

test('a database that a vault serves is refused', async () => {
  const vault = await createSampleVault();
  const running = await vault.open();

  const { code, stderr } = await vault.run(['backup', 'restored']);

  expect(code).toBe(69);
  expect(stderr).toContain('in use by another process');
  await running.close();
});

test('a missing database is not created', async () => {
  const vault = await createSampleVault();

  const { code } = await vault.run(['backup', 'restored'], { TOKENVAULT_DATABASE_URL: 'sqlite:other.db' });

  expect(code).toBe(65);
  expect(existsSync(vault.path('other.db'))).toBe(false);
});
