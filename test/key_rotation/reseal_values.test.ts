import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createKeyOperations } from '../../src/key_rotation/key_operations.ts';
import { startResealing } from '../../src/key_rotation/reseal_values.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { TenantKeyStore } from '../../src/store/tenant_key_store_interface.ts';
import type { Log } from '../../src/telemetry/log_events.ts';
import { NOW, sampleApp, sampleConnection, sampleTenant } from '../conformance/sample_rows.ts';
import { reasonOf } from '../conformance/vault_under_test.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

const CONNECTIONS = 120;

/** Tenants, of which `t0` has more connections than a batch. */
async function openWorld(ids: readonly string[] = ['t0', 't1', 't2']) {
  const clock = { now: () => NOW };
  const path = join(temporaryFolder(), 'vault.db');
  const stores = await openTestStores({ path, clock, keks: { current: createKek(randomBytes(32)) } });
  onTestFinished(() => stores.close());
  for (const id of ids) {
    const tenant = sampleTenant(id);
    const app = sampleApp(tenant, 'default');
    await stores.tenants.register({ tenant, app, credential: undefined });
    const count = id === 't0' ? CONNECTIONS : 1;
    const connections = Array.from({ length: count }, (_, index) => sampleConnection(tenant, app, `c${index}`));
    await Promise.all(connections.map((one) => stores.connections.replaceGrant(undefined, one, new Secret('rt'))));
  }
  const logged: (readonly [string, object])[] = [];
  const measured: (readonly [string, number])[] = [];
  const log: Log = { event: (_, name, fields) => void logged.push([name, fields]) };
  const metrics = {
    pending: (tenants: number) => void measured.push(['pending', tenants]),
    resealed: (values: number) => void measured.push(['resealed', values]),
  };
  const { every } = createManualTimers();
  const start = (changes: Partial<TenantKeyStore> = {}) => {
    const resealing = startResealing({
      stores: { leases: stores.leases, tenantKeys: { ...stores.tenantKeys, ...changes } },
      every,
      log,
      metrics,
      replica: 'r',
    });
    onTestFinished(() => resealing.close());
    return resealing;
  };
  const operations = (resealing = start()) => {
    const replica = { uid: 'r', name: 'vault-0', version: '1', startTime: NOW, rootKeyIds: stores.rootKeyIds };
    return createKeyOperations({ stores, replica, rewrapping: { runOnce: async () => {} }, resealing, clock, log });
  };
  /** Starts rotations, which no pass continues. */
  const rotate = async (...ids: readonly string[]) => {
    for (const id of ids) await operations({ runOnce: async () => {}, close: async () => {} }).rotateTenantKey(id);
  };
  const versions = async (id: string) => (await operations().describeTenantKey(id)).olderVersions;
  return { stores, logged, measured, start, operations, rotate, versions };
}

test('a pass seals the values of all rotating tenants again, deletes the old data keys, and reports its progress', async () => {
  const { start, rotate, logged, measured, operations } = await openWorld();
  await rotate('t0', 't1');
  expect(await operations().describe()).toMatchObject({
    dataKeyVersions: [
      { version: 1, dataKeys: 4, owners: 2 },
      { version: 2, dataKeys: 2, owners: 2 },
    ],
    tenantKeyRotations: { count: 2 },
  });
  await start().runOnce();

  expect(await operations().describe()).toMatchObject({
    dataKeyVersions: [
      { version: 1, dataKeys: 2, owners: 2 },
      { version: 2, dataKeys: 2, owners: 2 },
    ],
    tenantKeyRotations: { count: 0, tenantIds: [] },
  });
  // Personal data and a refresh token each.
  const resealed = measured.filter(([name]) => name === 'resealed').reduce((sum, [, values]) => sum + values, 0);
  expect(resealed).toBe(2 * (CONNECTIONS + 1));
  expect(measured.filter(([name]) => name === 'pending').map(([, tenants]) => tenants)).toEqual([2, 1, 0]);
  expect(logged.map(([name]) => name)).toEqual([
    'tenant_key_added',
    'tenant_key_added',
    'tenant_key_retired',
    'tenant_key_retired',
  ]);
});

test('a rotation of the vault itself is described by its own name', async () => {
  const { operations } = await openWorld();
  const keys = operations();
  expect(await keys.rotateTenantKey(undefined)).toEqual({ tenantId: undefined, version: 2, olderVersions: [1] });
  await expect.poll(async () => (await keys.describeTenantKey(undefined)).olderVersions).toEqual([]);
});

test('a rotation of an unknown tenant is refused', async () => {
  const { operations } = await openWorld();

  expect(await reasonOf(operations().rotateTenantKey('nobody'))).toBe('TENANT_NOT_FOUND');
});

test('another process that holds the lease seals alone', async () => {
  const { stores, start, rotate, versions } = await openWorld();
  await stores.leases.acquire('tenant_key_rotation', 'other', 60_000);
  await rotate('t1');
  await start().runOnce();

  expect(await versions('t1')).toEqual([1]);
});

test('a pass that fails in between is continued by the next one, and logged once', async () => {
  const { stores, start, rotate, logged, versions } = await openWorld();
  await rotate('t0', 't1');
  let calls = 0;
  const resealing = start({
    reseal(...request) {
      calls += 1;
      if (calls === 2 || calls === 3) throw new TypeError('broken');
      return stores.tenantKeys.reseal(...request);
    },
  });
  await resealing.runOnce();
  await resealing.runOnce();
  expect(logged.filter(([name]) => name === 'internal_error')).toHaveLength(1);

  await resealing.runOnce();
  expect([await versions('t0'), await versions('t1')]).toEqual([[], []]);
});

test('four tenants are rotated at once, and no more', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { stores, start, rotate, versions } = await openWorld(ids);
  await rotate(...ids);
  const four = Promise.withResolvers<void>();
  let [active, most] = [0, 0];
  await start({
    async reseal(...request) {
      active += 1;
      most = Math.max(most, active);
      if (active === 4) four.resolve();
      await four.promise;
      const batch = await stores.tenantKeys.reseal(...request);
      active -= 1;
      return batch;
    },
  }).runOnce();

  expect(most).toBe(4);
  expect(await Promise.all(ids.map(versions))).toEqual(ids.map(() => []));
});

test('a pass that fails ends after the rotations that are in progress', async () => {
  const { stores, start, rotate, versions } = await openWorld(['a', 'b']);
  await rotate('a', 'b');
  const [first] = await stores.tenantKeys.listRotating('', 1);
  const [failed, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let hasEnded = false;
  const pass = start({
    async reseal(tenant, ...request) {
      if (tenant.tenantUid === first?.tenantUid) {
        failed.resolve();
        throw new TypeError('broken');
      }
      await released.promise;
      return stores.tenantKeys.reseal(tenant, ...request);
    },
  })
    .runOnce()
    .then(() => {
      hasEnded = true;
    });
  await failed.promise;
  await setImmediate();
  expect(hasEnded).toBe(false);

  released.resolve();
  await pass;
  const older = await Promise.all(['a', 'b'].map(versions));
  expect(older.sort()).toEqual([[], [1]]);
});

test('values that a refresh kept from being sealed again are so in the same pass', async () => {
  const { stores, start, rotate, versions } = await openWorld(['a']);
  await rotate('a');
  let isFirst = true;
  await start({
    async reseal(...request) {
      if (!isFirst) return stores.tenantKeys.reseal(...request);
      isFirst = false;
      return { resealed: 0, damaged: [], next: undefined };
    },
  }).runOnce();

  expect(await versions('a')).toEqual([]);
});

test('damaged values and data keys of one tenant are logged once, and do not delay the others', async () => {
  const { stores, start, rotate, logged, versions } = await openWorld();
  await rotate('t0', 't1', 't2');
  const [first, second] = await stores.tenantKeys.listRotating('', 2);
  const damaged = [{ table: 'connections', column: 'personal', uid: 'x' }];
  let passes = 0;
  const resealing = start({
    async reseal(tenant, ...request) {
      if (tenant.tenantUid === second?.tenantUid) throw new VaultError('RECORD_CORRUPT', 'It does not open.');
      if (tenant.tenantUid !== first?.tenantUid) return stores.tenantKeys.reseal(tenant, ...request);
      passes += 1;
      return { resealed: 0, damaged, next: undefined };
    },
  });
  await resealing.runOnce();
  await resealing.runOnce();

  const nameOf = (one = first) => ({ tenantUid: one?.tenantUid, tenant: `tenants/${one?.tenantId}` });
  expect(passes).toBe(1);
  expect(logged.filter(([name]) => /damaged/.test(name)).sort()).toEqual([
    ['data_key_damaged', { ...nameOf(second), version: 2 }],
    ['sealed_value_damaged', { ...nameOf(first), ...damaged[0] }],
  ]);
  const others = (await Promise.all(['t0', 't1', 't2'].map(versions))).filter((older) => older.length === 0);
  expect(others).toHaveLength(1);
});
