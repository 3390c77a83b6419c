import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sampleRotation } from '../conformance/sample_rows.ts';
import { createAuditedVault, hour } from './audited_vault.ts';
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

test('containments that a restored database brings back or lost are listed, by the audit log', async () => {
  const contained = { reason: 'Key leaked', caller: 'ops', createTime: hour(1) };
  const vault = await createAuditedVault();
  const stores = await vault.open();
  for (const subject of ['callers/mail', 'tenants/acme']) await stores.containments.contain({ ...contained, subject });
  await stores.close();
  const change = { caller: 'ops', method: 'ContainmentService/Contain', note: 'Key leaked' };
  await vault.log('audit.jsonl', [
    { ...change, time: hour(1), resource: 'callers/mail' },
    { ...change, time: hour(2), resource: 'callers/mail', method: 'ContainmentService/Lift' },
    { ...change, time: hour(1), resource: 'tenants/acme' },
    { ...change, time: hour(3), resource: 'all' },
    { ...change, time: hour(3), resource: 'tenants/denied', status: 'ACCESS_DENIED' },
  ]);

  const { code, stdout } = await vault.run(['backup', 'restored'], {
    TOKENVAULT_AUDIT_FILE: vault.path('audit.jsonl'),
  });

  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => /contain/i.test(line))).toEqual([
    `  contained: callers/mail at ${iso(1)} by ops (Key leaked). It was lifted at ${iso(2)} by ops: lift it again.`,
    `  contained: tenants/acme at ${iso(1)} by ops (Key leaked).`,
    `  LOST containment: all at ${iso(3)} by ops (Key leaked). Contain it again.`,
    'Containments were compared with the audit log of this machine. Compare them with those of other replicas, too.',
  ]);
  const again = await vault.open();
  expect(await again.containments.list()).toHaveLength(2);
  await again.close();
});

const iso = (count: number) => new Date(hour(count)).toISOString();
