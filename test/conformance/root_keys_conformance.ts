import { randomBytes } from 'node:crypto';
import { eq, inArray, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { createKek, type Kek } from '../../src/keyring/key_encryption_key.ts';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import { createStores } from '../../src/store/create_stores.ts';
import type { DataKeyPosition } from '../../src/store/root_key_store_interface.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { NOW, sampleApp, sampleTenant } from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

const hex = ({ id }: Kek) => id.toString('hex');
const TENANTS = ['b', 'c', 'd'];

/** A vault with five data keys under an old root key, and stores of a process that has a new one too. */
async function beforeRotation(open: Open) {
  const vault = await startVault(open);
  for (const id of TENANTS) await vault.register(id);
  const [old, young] = [present(vault.keks).current, createKek(randomBytes(32))];
  const openWith = (keks: Keks) => createStores({ database: vault.database, keks, clock: vault.clock });
  const stores = await openWith({ current: young, previous: old });
  return { vault, old, young, openWith, stores, rootKeys: stores.rootKeys };
}

async function rewrapAll({ rootKeys }: Pick<Stores, 'rootKeys'>, limit = 2): Promise<number> {
  let rewrapped = 0;
  let last: DataKeyPosition | undefined;
  do {
    const batch = await rootKeys.rewrap(last, limit);
    rewrapped += batch.rewrapped;
    last = batch.last;
  } while (last !== undefined);
  return rewrapped;
}

function register(stores: Stores, tenantId: string) {
  const tenant = sampleTenant(tenantId);
  return stores.tenants.register({ tenant, app: sampleApp(tenant, 'default'), credential: undefined });
}

/** As a version that knew no rotation has left the database. */
async function removeRecord({ database }: Pick<VaultUnderTest, 'database'>): Promise<void> {
  const { meta } = database.tables;
  const remove = database.write('test', (db) =>
    db.delete(meta).where(inArray(meta.key, ['active_root_key', 'root_keys'])),
  );
  await remove.run({});
}

async function heartbeat({ stores }: Pick<VaultUnderTest, 'stores'>, name: string, rootKeyIds: readonly string[]) {
  await stores.replicas.heartbeat({ uid: name, name, version: '1', startTime: NOW, feedPosition: 0, rootKeyIds });
}

export function rootKeysConformance(open: Open): void {
  describe('root keys', () => {
    test('the key of an empty database is the active one, and no rotation is in progress', async () => {
      const { stores, keks } = await startVault(open);

      const active = { id: hex(present(keks).current), activeTime: NOW };
      expect(await stores.rootKeys.read()).toMatchObject({ active, retiring: [], retired: [] });
      expect(await stores.rootKeys.countDataKeys()).toEqual([
        { rootKeyId: hex(present(keks).current), version: 1, dataKeys: 2 },
      ]);
    });

    test('a newer key of the key source does not become the active one by itself', async () => {
      const { old, rootKeys, stores } = await beforeRotation(open);
      await register(stores, 'e');

      expect((await rootKeys.read()).active.id).toBe(hex(old));
      expect(await rootKeys.countDataKeys()).toEqual([{ rootKeyId: hex(old), version: 1, dataKeys: 6 }]);
    });

    test('after a rotation the new key alone opens everything, and the old one nothing', async () => {
      const { vault, old, young, openWith, stores, rootKeys } = await beforeRotation(open);

      vault.clock.time += 1;
      expect(await rootKeys.activate(hex(young), NOW + 1)).toEqual({ kind: 'active', activated: true });
      expect(await rootKeys.activate(hex(young), NOW + 2)).toEqual({ kind: 'active', activated: false });
      expect((await rootKeys.listPending(9)).toSorted()).toEqual(['acme', ...TENANTS, 'vault']);
      expect(await rootKeys.retire(NOW + 3)).toBeUndefined();
      expect(await rewrapAll(stores)).toBe(5);
      expect(await rootKeys.retire(NOW + 4)).toMatchObject([{ id: hex(old), retireTime: NOW + 4 }]);
      expect(await rootKeys.retire(NOW + 5)).toEqual([]);

      expect(await rootKeys.countDataKeys()).toEqual([{ rootKeyId: hex(young), version: 1, dataKeys: 5 }]);
      const after = await openWith({ current: young });
      expect(await after.connections.find(vault.tenant.uid, 'ada')).toMatchObject({
        account: { username: 'Ada@Contoso.com' },
      });
      expect((await after.rootKeys.read()).retired).toMatchObject([{ id: hex(old), activeTime: NOW }]);
      expect(await after.kekAge()).toMatchObject({ kekId: hex(young), since: NOW + 1 });
      expect(await reasonOf(openWith({ current: old }))).toBe('RECORD_CORRUPT');
    });

    test('during a rotation, a process without the old key does not start', async () => {
      const { young, openWith, stores, rootKeys } = await beforeRotation(open);
      await rootKeys.activate(hex(young), NOW);
      await rewrapAll(stores);

      expect(await reasonOf(openWith({ current: young }))).toBe('RECORD_CORRUPT');
    });

    test('a process that does not know of the switch wraps new data keys under the new key', async () => {
      const { young, openWith, old, stores, rootKeys } = await beforeRotation(open);
      const other = await openWith({ current: young, previous: old });
      await rootKeys.activate(hex(young), NOW);
      await Promise.all(['e', 'f', 'g'].map((id) => register(other, id)));

      expect(await rewrapAll(stores)).toBe(5);
      expect(await rootKeys.countDataKeys()).toEqual([{ rootKeyId: hex(young), version: 1, dataKeys: 8 }]);
      expect(await rootKeys.retire(NOW)).toHaveLength(1);
    });

    test('a process without the new key registers no tenant after the switch', async () => {
      const { vault, young, rootKeys } = await beforeRotation(open);
      await rootKeys.activate(hex(young), NOW);

      expect(await reasonOf(register(vault.stores, 'e'))).toBe('RECORD_CORRUPT');
      expect(await reasonOf(vault.stores.check())).toBe('RECORD_CORRUPT');
      expect(await reasonOf(vault.stores.rootKeys.confirm())).toBe('RECORD_CORRUPT');
    });

    test('tenants that are registered during a switch are wrapped under the active key or rewrapped', async () => {
      const { young, stores, rootKeys } = await beforeRotation(open);
      const ids = Array.from({ length: 20 }, (_, index) => `e${index}`);
      await Promise.all([
        ...ids.map((id) => register(stores, id)),
        rootKeys.activate(hex(young), NOW).then(() => rewrapAll(stores)),
      ]);

      expect(await rootKeys.retire(NOW)).toHaveLength(1);
      expect(await rootKeys.countDataKeys()).toEqual([{ rootKeyId: hex(young), version: 1, dataKeys: 25 }]);
    });

    test('a switch is refused while a replica of the last minute lacks the key, and names it', async () => {
      const { vault, old, young, rootKeys } = await beforeRotation(open);
      const both = [hex(young), hex(old)];
      await heartbeat(vault, 'vault-0', both);
      await heartbeat(vault, 'vault-1', [hex(old)]);
      expect(await rootKeys.activate(hex(young), NOW)).toEqual({ kind: 'missing', replicas: ['vault-1'] });
      expect((await rootKeys.read()).active.id).toBe(hex(old));

      await vault.damage('replicas', { heartbeatTime: sql`heartbeat_time - 61000` }, sql`uid = 'vault-1'`);
      expect(await rootKeys.activate(hex(young), NOW)).toEqual({ kind: 'active', activated: true });
    });

    test('a switch is refused if this process lacks the key', async () => {
      const { rootKeys } = await beforeRotation(open);

      expect(await rootKeys.activate('ab'.repeat(16), NOW)).toEqual({ kind: 'missing', replicas: [] });
    });

    test('a switch can be taken back until the old key is retired, and not afterwards', async () => {
      const { old, young, stores, rootKeys } = await beforeRotation(open);
      await rootKeys.activate(hex(young), NOW);
      await rootKeys.rewrap(undefined, 3);
      await rootKeys.activate(hex(old), NOW);
      expect(await rewrapAll(stores)).toBe(3);
      expect(await rootKeys.retire(NOW)).toMatchObject([{ id: hex(young) }]);

      expect(await rootKeys.activate(hex(young), NOW)).toEqual({ kind: 'retired' });
    });

    test('two processes may rewrap at once', async () => {
      const { young, old, openWith, stores, rootKeys } = await beforeRotation(open);
      await rootKeys.activate(hex(young), NOW);
      const other = await openWith({ current: young, previous: old });
      await Promise.all([rewrapAll(stores, 1), rewrapAll(other, 1)]);

      expect(await rootKeys.retire(NOW)).toHaveLength(1);
    });

    test('a process that wraps under a key that is no longer active changes nothing', async () => {
      const { young, old, openWith, rootKeys } = await beforeRotation(open);
      const late = await openWith({ current: young, previous: old });
      await rootKeys.activate(hex(young), NOW);
      await rootKeys.rewrap(undefined, 9);

      // To `late`, all data keys are pending.
      expect(await late.rootKeys.rewrap(undefined, 9)).toMatchObject({ rewrapped: 0 });
      expect(await rootKeys.countDataKeys()).toEqual([{ rootKeyId: hex(young), version: 1, dataKeys: 5 }]);
      expect(await late.rootKeys.rewrap(undefined, 9)).toEqual({ rewrapped: 0, damaged: [], last: undefined });
    });

    test('a damaged data key does not keep the others from the new key, and keeps the old key in use', async () => {
      const { vault, young, stores, rootKeys } = await beforeRotation(open);
      const { tenant } = await vault.register('damaged');
      const { deks } = vault.database.tables;
      const isDamaged = eq(deks.tenantUid, tenant.uid);
      const [row] = await vault.database.select('test', (db) => db.select().from(deks).where(isDamaged));
      const wrapped = Buffer.from(row?.wrapped ?? []);
      wrapped[100] = (wrapped[100] ?? 0) ^ 1;
      await vault.damage('deks', { wrapped }, isDamaged);
      await rootKeys.activate(hex(young), NOW);

      expect((await rootKeys.rewrap(undefined, 9)).damaged).toEqual([
        { tenantId: 'damaged', tenantUid: tenant.uid, version: 1 },
      ]);
      expect(await rewrapAll(stores)).toBe(0);
      expect(await rootKeys.retire(NOW)).toBeUndefined();
      expect(await rootKeys.listPending(9)).toEqual(['damaged']);
    });

    test('a deleted tenant does not come back, and does not keep the old key in use', async () => {
      const { vault, young, stores, rootKeys } = await beforeRotation(open);
      const other = await vault.register('gone');
      await rootKeys.activate(hex(young), NOW);
      await Promise.all([rewrapAll(stores, 1), vault.stores.tenants.delete(other.tenant)]);

      expect(await rootKeys.retire(NOW)).toHaveLength(1);
      expect(await rootKeys.countDataKeys()).toEqual([{ rootKeyId: hex(young), version: 1, dataKeys: 5 }]);
    });

    test('a data key that names an unknown root key does not keep the others from the new key', async () => {
      const { vault, young, stores, rootKeys } = await beforeRotation(open);
      const { tenant } = await vault.register('damaged');
      await vault.damage('deks', { wrapped: randomBytes(642) }, eq(vault.database.tables.deks.tenantUid, tenant.uid));
      await rootKeys.activate(hex(young), NOW);

      expect(await rewrapAll(stores)).toBe(5);
      expect(await rootKeys.listPending(9)).toEqual(['damaged']);
    });

    test('the root keys of a database of an earlier version are recorded when it is opened', async () => {
      const { vault, old, young, openWith } = await beforeRotation(open);
      await removeRecord(vault);
      const adopted = await openWith({ current: young, previous: old });
      await register(adopted, 'e');

      expect(await adopted.rootKeys.read()).toMatchObject({
        active: { id: hex(old), activeTime: NOW },
        retiring: [],
        retired: [],
      });
      expect(await adopted.kekAge()).toMatchObject({ kekId: hex(old), since: NOW });
    });

    test('data keys under two root keys of an earlier version are consolidated', async () => {
      const { vault, old, young, openWith, rootKeys } = await beforeRotation(open);
      await rootKeys.activate(hex(young), NOW);
      expect((await rootKeys.rewrap(undefined, 2)).rewrapped).toBe(2);
      await removeRecord(vault);
      const adopted = await openWith({ current: young, previous: old });

      expect((await adopted.rootKeys.read()).retiring).toHaveLength(1);
      expect([2, 3]).toContain(await rewrapAll(adopted));
      expect(await adopted.rootKeys.retire(NOW)).toHaveLength(1);
    });

    test('another active root key in the database than in the sealed record is refused', async () => {
      const { vault, young, rootKeys } = await beforeRotation(open);
      await vault.damage('meta', { value: young.id }, sql`key = 'active_root_key'`);

      expect(await reasonOf(rootKeys.read())).toBe('RECORD_CORRUPT');
      expect(await reasonOf(register(vault.stores, 'e'))).toBe('RECORD_CORRUPT');
    });
  });
}
