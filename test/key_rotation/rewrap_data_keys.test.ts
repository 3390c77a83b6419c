import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createKeyOperations } from '../../src/key_rotation/key_operations.ts';
import { startRewrapping } from '../../src/key_rotation/rewrap_data_keys.ts';
import { createKek, type Kek } from '../../src/keyring/key_encryption_key.ts';
import type { Replica } from '../../src/store/replication_store_interfaces.ts';
import type { RootKeyStore } from '../../src/store/root_key_store_interface.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { Log } from '../../src/telemetry/log_events.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { reasonOf } from '../conformance/vault_under_test.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const TENANTS = 230;
const hex = ({ id }: Kek) => id.toString('hex');

interface World {
  readonly stores: Stores;
  readonly old: string;
  readonly young: string;
  readonly replica: Omit<Replica, 'feedPosition'>;
  readonly logged: (readonly [name: string, fields: object])[];
  /** The progress metric, each time it was set. */
  readonly pending: number[];
  start(changes?: Partial<RootKeyStore>): ReturnType<typeof startRewrapping>;
  operations(): ReturnType<typeof createKeyOperations>;
}

/** Tenants under an old root key, in a process that has a new one too. */
async function openWorld(tenants = TENANTS): Promise<World> {
  const [old, young] = [createKek(randomBytes(32)), createKek(randomBytes(32))];
  const clock = { now: () => NOW };
  const path = join(temporaryFolder(), 'vault.db');
  await (await openTestStores({ path, clock, keks: { current: old } })).close();
  const stores = await openTestStores({ path, clock, keks: { current: young, previous: old } });
  const ids = Array.from({ length: tenants }, (_, index) => `t${index}`);
  await Promise.all(ids.map((id) => stores.tenants.register({ tenant: sampleTenant(id) })));
  const logged: (readonly [string, object])[] = [];
  const pending: number[] = [];
  const log: Log = { event: (_, name, fields) => void logged.push([name, fields]) };
  const metrics = { pending: (count: number) => void pending.push(count), rewrapped() {} };
  const { every } = createManualTimers();
  const parts = { clock, every, log, metrics };
  const replica = { uid: 'r', name: 'vault-0', version: '1', startTime: NOW, rootKeyIds: stores.rootKeyIds };
  const start: World['start'] = (changes = {}) => {
    const rewrapping = startRewrapping({
      ...parts,
      stores: { leases: stores.leases, tenantKeys: stores.tenantKeys, rootKeys: { ...stores.rootKeys, ...changes } },
      replica: 'r',
    });
    onTestFinished(() => rewrapping.close());
    return rewrapping;
  };
  onTestFinished(() => stores.close());
  return {
    stores,
    old: hex(old),
    young: hex(young),
    replica,
    logged,
    pending,
    start,
    operations: () =>
      createKeyOperations({ stores, replica, rewrapping: start(), resealing: { runOnce: async () => {} }, clock, log }),
  };
}

test('without a rotation, a pass changes nothing', async () => {
  const { start, logged, old, stores } = await openWorld(2);
  await start().runOnce();

  expect(logged).toEqual([]);
  expect(await stores.rootKeys.countDataKeys()).toEqual([{ rootKeyId: old, version: 1, dataKeys: 3 }]);
});

test('a pass wraps all data keys in batches, retires the old key, and reports its progress', async () => {
  const { stores, start, old, young, logged, pending } = await openWorld();
  await stores.rootKeys.activate(young, NOW);
  await start().runOnce();

  expect(await stores.rootKeys.countDataKeys()).toEqual([{ rootKeyId: young, version: 1, dataKeys: 231 }]);
  expect(pending).toEqual([231, 131, 31, 0]);
  expect(logged).toEqual([
    ['root_key_rewrapping', { rootKeyId: young, pending: 231 }],
    ['root_key_retired', { rootKeyId: old, activeId: young }],
  ]);
});

test('another process that holds the lease rotates alone', async () => {
  const { stores, start, old, young, pending } = await openWorld(2);
  await stores.leases.acquire('root_key_rotation', 'other', 60_000);
  await stores.rootKeys.activate(young, NOW);
  await start().runOnce();

  expect(await stores.rootKeys.countDataKeys()).toMatchObject([{ rootKeyId: old, dataKeys: 3 }]);
  expect(pending).toEqual([0]);
});

test('a pass that fails in between is continued by the next one, and logged once', async () => {
  const { stores, start, young, logged } = await openWorld();
  await stores.rootKeys.activate(young, NOW);
  let calls = 0;
  const rewrapping = start({
    rewrap(...request) {
      calls += 1;
      if (calls === 2 || calls === 3) throw new TypeError('broken');
      return stores.rootKeys.rewrap(...request);
    },
  });
  await rewrapping.runOnce();
  await rewrapping.runOnce();
  expect(logged.filter(([name]) => name === 'internal_error')).toHaveLength(1);
  expect((await stores.rootKeys.read()).retiring).toHaveLength(1);

  await rewrapping.runOnce();
  expect((await stores.rootKeys.read()).retiring).toEqual([]);
});

test('damaged data keys are logged once, and the next pass waits', async () => {
  const { stores, start, young, logged } = await openWorld(2);
  await stores.rootKeys.activate(young, NOW);
  const damaged = [
    { tenantUid: 'x', tenantId: 'acme', version: 1 },
    { ...stores.tenantKeys.vault, version: 1 },
  ];
  let passes = 0;
  const rewrapping = start({
    async rewrap() {
      passes += 1;
      return { rewrapped: 0, damaged, last: undefined };
    },
  });
  await rewrapping.runOnce();
  await rewrapping.runOnce();

  expect(passes).toBe(1);
  expect(logged.filter(([name]) => name === 'data_key_damaged')).toEqual([
    ['data_key_damaged', { tenant: 'tenants/acme', tenantUid: 'x', version: 1 }],
    ['data_key_damaged', { tenantUid: 'vault', version: 1 }],
  ]);
});

test('the keyring lists a key that no data key uses yet, with the replicas that lack it', async () => {
  const { operations, old, young } = await openWorld(2);

  expect(await operations().describe()).toEqual({
    rootKeys: [
      { id: old, state: 'ACTIVE', activeTime: NOW, dataKeys: 3, missingReplicas: [] },
      { id: young, state: 'AVAILABLE', dataKeys: 0, missingReplicas: [] },
    ],
    dataKeyVersions: [{ version: 1, dataKeys: 3, owners: 3 }],
    rotation: undefined,
    tenantKeyRotations: { count: 0, tenantIds: [] },
  });
});

test('during a rotation, the keyring has its progress and the owners that are pending', async () => {
  const { stores, operations, old, young } = await openWorld(2);
  await stores.rootKeys.activate(young, NOW);

  const { rootKeys, rotation } = await operations().describe();
  expect(rootKeys).toMatchObject([
    { id: young, state: 'ACTIVE', dataKeys: 0 },
    { id: old, state: 'RETIRING', dataKeys: 3, advice: `Keep ${old}: data keys still need it.` },
  ]);
  expect(rotation).toMatchObject({ rootKeyId: young, startTime: NOW, dataKeys: 3, rewrapped: 0 });
  expect(rotation?.pendingOwners.toSorted()).toEqual(['t0', 't1', 'vault']);
});

test('after a rotation, the retired key says until when backups need it', async () => {
  const { stores, operations, start, old, young } = await openWorld(2);
  await operations().rotateRootKey(young);
  await expect.poll(async () => (await stores.rootKeys.read()).retiring).toEqual([]);
  await start().runOnce();

  expect((await operations().describe()).rootKeys[1]).toMatchObject({
    state: 'RETIRED',
    dataKeys: 0,
    advice:
      `No data key needs ${old}. Backups made before 2026-05-01T12:00:00.000Z still do: ` +
      'keep it until they have expired.',
  });
});

test('a rotation is refused for a key that is malformed, missing or retired', async () => {
  const { stores, operations, old, young } = await openWorld(2);
  const rootKeys = operations();
  expect(await reasonOf(rootKeys.rotateRootKey('AB'.repeat(16)))).toBe('FIELD_INVALID');
  await expect(rootKeys.rotateRootKey('ab'.repeat(16))).rejects.toMatchObject({
    reason: 'ROOT_KEY_MISSING',
    metadata: { replicas: 'vault-0' },
  });

  await rootKeys.rotateRootKey(young);
  await expect.poll(async () => (await stores.rootKeys.read()).retiring).toEqual([]);
  expect(await reasonOf(rootKeys.rotateRootKey(old))).toBe('FIELD_INVALID');
  expect((await rootKeys.rotateRootKey(young)).rotation).toBeUndefined();
});
