import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { type TenantNames, VAULT, VAULT_UID } from '../../src/keyring/keyring.ts';
import { dekVersionOf } from '../../src/keyring/sealed_record.ts';
import { Secret } from '../../src/model/secret.ts';
import { createStores } from '../../src/store/create_stores.ts';
import type { Database } from '../../src/store/database_interface.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { DamagedSeal, ResealPosition, RotatingTenant } from '../../src/store/tenant_key_store_interface.ts';
import { readDeks } from '../../src/store/vault/read_deks_and_macs.ts';
import { readSealedValues } from '../../src/store/vault/read_sealed_values.ts';
import {
  GRAPH,
  NOW,
  sampleAccessToken,
  sampleAttempt,
  sampleAuthorization,
  sampleConnection,
  sampleCredential,
  sampleGrant,
  sampleTenant,
} from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

const LEASE = { owner: 'replica-2', resource: GRAPH, duration: 12_000 };

/** A vault with a value in every sealed column, and the stores of another process with its keys in memory. */
async function beforeRotation(open: Open) {
  const vault = await startVault(open);
  const { stores, tenant, connection } = vault;
  for (const id of ['b', 'c', 'd']) await vault.connect(id);
  const held = await vault.lease();
  await held.record({ connection, refreshToken: new Secret('rt-2'), accessToken: sampleAccessToken() });
  const authorization = sampleAuthorization(connection);
  await stores.authorizations.start({
    connection: undefined,
    authorization,
    handleHash: 'h',
    attempt: sampleAttempt(authorization),
    stateHash: 's',
  });
  await stores.authorizations.consent(authorization.uid, sampleGrant(), 'c', NOW + 1);
  await stores.audit.auditKey();
  await saveStream(stores, 1);
  const openOther = (database = vault.database) =>
    createStores({ database, keks: present(vault.keks), clock: vault.clock });
  const other = await openOther();
  await other.connections.find(tenant.uid, 'ada');
  const owner = { tenantUid: tenant.uid, tenantId: tenant.tenantId };
  return { vault, stores, other, openOther, owner, authorization };
}

async function saveStream({ audit }: Stores, lastNumber: number): Promise<void> {
  const stream = { streamId: 's1', name: 'host:/audit.jsonl', firstNumber: 1, firstTime: NOW, lastTime: NOW };
  await audit.saveStream({ ...stream, lastNumber, chain: 'aa' });
}

async function rotatingOne({ tenantKeys }: Stores): Promise<RotatingTenant> {
  return present((await tenantKeys.listRotating('', 9))[0]);
}

async function resealAll({ tenantKeys }: Stores, tenant: RotatingTenant, limit = 2) {
  let resealed = 0;
  const damaged: DamagedSeal[] = [];
  for (let from: ResealPosition | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
    const batch = await tenantKeys.reseal(tenant, from, limit);
    resealed += batch.resealed;
    damaged.push(...batch.damaged);
    from = batch.next;
  }
  return { resealed, damaged };
}

/** All steps of a rotation. */
async function rotateFully(stores: Stores, owner: TenantNames): Promise<void> {
  expect(await stores.tenantKeys.rotate(owner)).toBe(true);
  const tenant = await rotatingOne(stores);
  await resealAll(stores, tenant);
  expect(await stores.tenantKeys.retire(tenant)).toBe(true);
}

/** The versions that the values of an owner name. */
async function sealedVersions({ database }: Pick<VaultUnderTest, 'database'>, { tenantUid }: TenantNames) {
  const versions = new Set<number | undefined>();
  for await (const value of readSealedValues(database)) {
    if (value.tenantUid === tenantUid) versions.add(dekVersionOf(value.bytes));
  }
  return [...versions].sort();
}

async function refresh({ grants }: Stores, connectionUid: string, token: string): Promise<void> {
  const held = present(await grants.lease(connectionUid, LEASE));
  const { connection } = held;
  expect(await held.record({ connection, refreshToken: new Secret(token), accessToken: sampleAccessToken() })).toBe(
    'recorded',
  );
}

async function tokenOf({ grants }: Stores, connectionUid: string): Promise<string | undefined> {
  const held = present(await grants.lease(connectionUid, LEASE));
  await held.release();
  return held.refreshToken?.reveal();
}

/** Runs `work` once, after the named statement has returned rows and before its caller has them. */
function withDelay(database: Database, name: string, work: () => Promise<void>): Database {
  let isPending = true;
  const late = async <Result>(result: Promise<Result>): Promise<Result> => {
    const rows = await result;
    if (isPending) {
      isPending = false;
      await work();
    }
    return rows;
  };
  const wrap: Database['rows'] = (own, build) => {
    const statement = database.rows(own, build);
    if (own !== name) return statement;
    return { all: (values) => late(statement.all(values)), first: (values) => late(statement.first(values)) };
  };
  const volatile: Database['volatile'] = (own, build) => {
    const statement = database.volatile(own, build);
    if (own !== name) return statement;
    return { all: (values) => late(statement.all(values)), first: (values) => late(statement.first(values)) };
  };
  return { ...database, rows: wrap, volatile };
}

export function tenantKeysConformance(open: Open): void {
  describe('data keys of tenants', () => {
    test('after a rotation every value is sealed under the new data key, and the old one is deleted', async () => {
      const { vault, stores, openOther, owner } = await beforeRotation(open);
      expect(await stores.tenantKeys.rotate(owner)).toBe(true);
      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([1, 2]);
      const tenant = await rotatingOne(stores);
      expect(tenant).toEqual({ ...owner, version: 2 });
      expect(await stores.tenantKeys.retire(tenant)).toBe(false);

      // Four connections with personal data and a refresh token each, of which one has a previous one.
      expect(await resealAll(stores, tenant)).toEqual({ resealed: 14, damaged: [] });
      expect(await stores.tenantKeys.retire(tenant)).toBe(true);
      expect(await stores.tenantKeys.retire(tenant)).toBe(true);

      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([2]);
      expect(await sealedVersions(vault, owner)).toEqual([2]);
      expect(await stores.tenantKeys.listRotating('', 9)).toEqual([]);
      const fresh = await openOther();
      expect(await fresh.connections.find(owner.tenantUid, 'ada')).toMatchObject({
        account: { username: 'Ada@Contoso.com' },
      });
      expect(await tokenOf(fresh, vault.connection.uid)).toBe('rt-2');
      expect(await fresh.apps.usableCredentials(vault.app)).toHaveLength(1);
      expect(await fresh.grants.findAccessToken(vault.connection, GRAPH, NOW)).toBeDefined();
    });

    test('while a rotation is in progress, another one of the same tenant has no effect', async () => {
      const { stores, other, owner } = await beforeRotation(open);
      const outcomes = await Promise.all([stores, other].map(({ tenantKeys }) => tenantKeys.rotate(owner)));

      expect(outcomes.sort()).toEqual([false, true]);
      expect(await stores.tenantKeys.rotate(owner)).toBe(false);
      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([1, 2]);
    });

    test('owners are counted by the version that they seal under, the vault included', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      await vault.register('other');
      await stores.tenantKeys.rotate(owner);

      expect(await stores.tenantKeys.countOwners()).toEqual([
        { version: 1, owners: 2 },
        { version: 2, owners: 1 },
      ]);
      expect(await stores.tenantKeys.countRotating()).toBe(1);
    });

    test('a process that knows the old data key only seals under the new one, in every commit', async () => {
      const { vault, stores, other, owner, authorization } = await beforeRotation(open);
      await rotateFully(stores, owner);
      const { app, tenant, connection } = vault;

      await refresh(other, connection.uid, 'rt-3');
      await other.connections.create(sampleConnection(tenant, app, 'e'));
      const added = sampleConnection(tenant, app, 'f');
      await other.connections.replaceGrant(undefined, added, new Secret('rt-f'));
      await other.apps.addCredential(app, sampleCredential(app, 'second'));
      await other.authorizations.addAttempt(sampleAttempt(authorization), 's2');

      expect(await sealedVersions(vault, owner)).toEqual([2]);
      expect(await tokenOf(stores, connection.uid)).toBe('rt-3');
      expect(await tokenOf(stores, added.uid)).toBe('rt-f');
    });

    test('a refresh that began before a rotation and ends after it loses nothing', async () => {
      const { vault, stores, other, owner } = await beforeRotation(open);
      const { connection } = vault;
      const held = present(await other.grants.lease(connection.uid, LEASE));
      await rotateFully(stores, owner);
      await other.tenants.refreshKeys(owner.tenantUid);

      expect(held.previousRefreshToken()?.token.reveal()).toBe('rt-of-ada');
      expect(await held.record({ connection: held.connection, refreshToken: undefined, accessToken: undefined })).toBe(
        'recorded',
      );
      expect(await sealedVersions(vault, owner)).toEqual([2]);
      expect(await stores.connections.find(owner.tenantUid, 'ada')).toMatchObject({
        account: { username: 'Ada@Contoso.com' },
      });
      expect(await tokenOf(stores, connection.uid)).toBe('rt-2');
    });

    test.each([
      [
        'a connection',
        'connections.find',
        (one: Stores, { tenant }: VaultUnderTest) => one.connections.find(tenant.uid, 'ada'),
      ],
      [
        'a lease',
        'grants.lease',
        async (one: Stores, { connection }: VaultUnderTest) => ({ token: await tokenOf(one, connection.uid) }),
      ],
      [
        'credentials',
        'credentials.usable',
        async (one: Stores, { app }: VaultUnderTest) => (await one.apps.usableCredentials(app))[0],
      ],
      ['an authorization', 'authorizations.findByHandle', (one: Stores) => one.authorizations.findByHandle('h')],
      [
        'a consented grant',
        'authorizations.findConsented',
        (one: Stores, { connection }: VaultUnderTest) => one.authorizations.findConsented(connection.uid, 'c', NOW),
      ],
      [
        'a connection with that external id',
        'connections.findByExternalId',
        (one: Stores, { tenant }: VaultUnderTest) => one.connections.findByExternalId(tenant.uid, 'ext-ada'),
      ],
    ])('%s that is read before the old data key is deleted, and opened after, opens', async (_, statement, read) => {
      const { vault, stores, openOther, owner } = await beforeRotation(open);
      const before = present(await vault.stores.connections.find(owner.tenantUid, 'ada'));
      await stores.connections.update(before, { ...before, externalId: 'ext-ada' });
      // With no key of the tenant in memory.
      const cold = await openOther(withDelay(vault.database, statement, () => rotateFully(stores, owner)));

      expect(await read(cold, vault)).toBeDefined();
      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([2]);
    });

    test('names and usernames are found during and after a rotation, and MACs stay valid', async () => {
      const { stores, other, owner } = await beforeRotation(open);
      const find = async (one: Stores) =>
        (
          await one.connections.list(
            { size: 10, after: undefined },
            { tenantIds: ['acme'], username: 'ADA@contoso.com' },
          )
        ).items.map(({ connectionId }) => connectionId);
      const before = await find(stores);
      expect(before).toContain('ada');
      await stores.tenantKeys.rotate(owner);
      expect(await find(other)).toEqual(before);
      const tenant = await rotatingOne(stores);
      await resealAll(stores, tenant);
      await stores.tenantKeys.retire(tenant);
      await other.tenants.refreshKeys(owner.tenantUid);

      for (const one of [stores, other]) expect(await find(one)).toEqual(before);
    });

    test.each([2, 9])(
      'a value that does not open keeps the old data key, and all others are sealed again (%i at once)',
      async (limit) => {
        const { vault, stores, owner } = await beforeRotation(open);
        const { connections } = vault.database.tables;
        const isB = and(eq(connections.tenantUid, owner.tenantUid), eq(connections.connectionId, 'b'));
        const [row] = await vault.database.select('test', (db) => db.select().from(connections).where(isB));
        const refreshToken = Buffer.from(row?.refreshToken ?? []);
        refreshToken[100] = (refreshToken[100] ?? 0) ^ 1;
        await vault.damage('connections', { refreshToken }, isB);
        await stores.tenantKeys.rotate(owner);
        const tenant = await rotatingOne(stores);

        const damaged = [{ table: 'connections', column: 'refresh_token', uid: present(row).uid }];
        expect(await resealAll(stores, tenant, limit)).toEqual({ resealed: 13, damaged });
        expect(await stores.tenantKeys.retire(tenant)).toBe(false);
        expect(await stores.connections.find(owner.tenantUid, 'b')).toBeDefined();

        await stores.connections.delete(present(await stores.connections.find(owner.tenantUid, 'b')));
        expect(await stores.tenantKeys.retire(tenant)).toBe(true);
      },
    );

    test('two processes may seal again at once, during refreshes', async () => {
      const { vault, stores, other, owner } = await beforeRotation(open);
      await stores.tenantKeys.rotate(owner);
      const tenant = await rotatingOne(stores);
      await Promise.all([
        resealAll(stores, tenant, 1),
        resealAll(other, tenant, 1),
        refresh(stores, vault.connection.uid, 'rt-3'),
      ]);

      // A row that the refresh changed between the reading and the commit of a pass is left to the next one.
      await resealAll(stores, tenant);
      expect(await other.tenantKeys.retire(tenant)).toBe(true);
      expect(await tokenOf(stores, vault.connection.uid)).toBe('rt-3');
      expect(await sealedVersions(vault, owner)).toEqual([2]);
    });

    test('a process that knows the old data key only seals values again under the new one', async () => {
      const { vault, stores, other, owner } = await beforeRotation(open);
      await stores.tenantKeys.rotate(owner);
      const tenant = await rotatingOne(stores);

      await resealAll(other, tenant);
      expect(await sealedVersions(vault, owner)).toEqual([2]);
      expect(await other.tenantKeys.retire(tenant)).toBe(true);
    });

    test('the values of a larger tenant are sealed again in several commits, which leave the old data key', async () => {
      const { stores, owner } = await beforeRotation(open);
      await stores.tenantKeys.rotate(owner);
      const tenant = await rotatingOne(stores);
      // Of two of four connections, one of which has an access token, a previous refresh token and an authorization.
      const first = await stores.tenantKeys.reseal(tenant, undefined, 2);
      expect(first).toEqual({ resealed: 9, damaged: [], next: { walk: 0, after: 'b' } });
      const rest = { resealed: 5, damaged: [], next: undefined };
      expect(await stores.tenantKeys.reseal(tenant, first.next, 9)).toEqual(rest);
      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([1, 2]);
    });

    test('one commit seals all values of a small tenant again, and deletes the old data key', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      await stores.tenantKeys.rotate(owner);
      const all = { resealed: 14, damaged: [], next: undefined };
      expect(await stores.tenantKeys.reseal(await rotatingOne(stores), undefined, 9)).toEqual(all);

      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([2]);
      expect(await sealedVersions(vault, owner)).toEqual([2]);
      expect(await tokenOf(stores, vault.connection.uid)).toBe('rt-2');
    });

    test('a refresh while a small tenant is sealed again keeps the old data key, and loses nothing', async () => {
      const { vault, stores, openOther, owner } = await beforeRotation(open);
      await stores.tenantKeys.rotate(owner);
      const tenant = await rotatingOne(stores);
      const crossed = await openOther(
        withDelay(vault.database, 'reseal.connections', () => refresh(stores, vault.connection.uid, 'rt-3')),
      );
      await crossed.tenantKeys.reseal(tenant, undefined, 9);
      // The refresh did not seal the personal data.
      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([1, 2]);
      expect(await sealedVersions(vault, owner)).toEqual([1, 2]);

      await stores.tenantKeys.reseal(tenant, undefined, 9);
      expect(await stores.tenantKeys.versions(owner.tenantUid)).toEqual([2]);
      expect(await tokenOf(stores, vault.connection.uid)).toBe('rt-3');
    });

    test('a tenant that is deleted during its rotation does not come back', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      await stores.tenantKeys.rotate(owner);
      const tenant = await rotatingOne(stores);
      await Promise.all([resealAll(stores, tenant, 1), stores.tenants.delete(vault.tenant)]);

      expect(await stores.tenantKeys.listRotating('', 9)).toEqual([]);
      expect(await reasonOf(stores.tenantKeys.retire(tenant))).toBe('TENANT_NOT_FOUND');
      expect(await reasonOf(stores.tenantKeys.rotate(owner))).toBe('TENANT_NOT_FOUND');
      const rows = await vault.dump();
      expect(rows['deks']).toMatchObject([{ tenantUid: VAULT_UID }]);
    });

    test('a deleted data key and an old value that are put back do not open: the floor is in the newest one', async () => {
      const { vault, stores, openOther, owner } = await beforeRotation(open);
      const { deks, connections } = vault.database.tables;
      const [old] = await vault.database.select('test', (db) =>
        db.select().from(deks).where(eq(deks.tenantUid, owner.tenantUid)),
      );
      const isAda = eq(connections.uid, vault.connection.uid);
      const [row] = await vault.database.select('test', (db) => db.select().from(connections).where(isAda));
      await rotateFully(stores, owner);
      await vault.database.write('test', (db) => db.insert(deks).values(present(old))).run({});
      await vault.damage(
        'connections',
        { refreshToken: present(row).refreshToken, personal: present(row).personal },
        isAda,
      );

      const fresh = await openOther();
      expect(await reasonOf(fresh.connections.find(owner.tenantUid, 'ada'))).toBe('RECORD_CORRUPT');
      expect(await reasonOf(fresh.grants.lease(vault.connection.uid, LEASE))).toBe('RECORD_CORRUPT');
    });

    test('a seal version that was changed outside of the vault refuses commits, and is reported', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      await vault.damage('tenants', { sealVersion: 7 }, eq(vault.database.tables.tenants.uid, owner.tenantUid));

      expect(await reasonOf(vault.connect('e'))).toBe('RECORD_CORRUPT');
      expect(await reasonOf(stores.tenantKeys.rotate(owner))).toBe('RECORD_CORRUPT');
    });

    test('after a failover that lost the rotation, a process that knows the new data key seals under the old one', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      const { deks, tenants } = vault.database.tables;
      await stores.tenantKeys.rotate(owner);
      const isLost = and(eq(deks.tenantUid, owner.tenantUid), eq(deks.version, 2));
      await vault.database.write('test', (db) => db.delete(deks).where(isLost)).run({});
      await vault.damage('tenants', { sealVersion: 1 }, eq(tenants.uid, owner.tenantUid));

      await refresh(stores, vault.connection.uid, 'rt-3');
      expect(await sealedVersions(vault, owner)).toEqual([1]);
      await rotateFully(stores, owner);
      expect(await tokenOf(stores, vault.connection.uid)).toBe('rt-3');
    });

    test("the vault's own data key rotates, while another process knows the old one only", async () => {
      const { vault, stores, other, openOther } = await beforeRotation(open);
      const key = await other.audit.auditKey();
      await rotateFully(stores, VAULT);

      expect(await sealedVersions(vault, VAULT)).toEqual([2]);
      await other.check();
      expect(await other.audit.auditKey()).toEqual(key);
      expect(await other.audit.findStream('s1')).toMatchObject({ lastNumber: 1 });
      await saveStream(other, 2);
      expect(await sealedVersions(vault, VAULT)).toEqual([2]);
      const fresh = await openOther();
      expect(await fresh.audit.listStreams()).toMatchObject([{ lastNumber: 2 }]);
      expect(await stores.tenantKeys.countOwners()).toEqual([
        { version: 1, owners: 1 },
        { version: 2, owners: 1 },
      ]);
    });

    test('a checkpoint that is sealed under the old data key of the vault is refused and sealed again', async () => {
      const { vault, stores, other } = await beforeRotation(open);
      await stores.tenantKeys.rotate(VAULT);
      await saveStream(other, 3);

      expect(await sealedVersions(vault, VAULT)).toEqual([1, 2]);
      expect(await stores.audit.findStream('s1')).toMatchObject({ lastNumber: 3 });
    });

    test('the seal version of a database of an earlier version is recorded when it is opened', async () => {
      const { vault, openOther } = await beforeRotation(open);
      const { meta } = vault.database.tables;
      await vault.database.write('test', (db) => db.delete(meta).where(eq(meta.key, 'seal_version'))).run({});
      const adopted = await openOther();

      await saveStream(adopted, 4);
      await rotateFully(adopted, VAULT);
      expect(await adopted.audit.findStream('s1')).toMatchObject({ lastNumber: 4 });
    });

    test('a rotation of the root key and one of a tenant may be in progress at once', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      const old = present(vault.keks).current;
      const young = createKek(Buffer.from(Array.from({ length: 32 }, (_, index) => index)));
      const both = await createStores({
        database: vault.database,
        keks: { current: young, previous: old },
        clock: vault.clock,
      });
      await both.tenantKeys.rotate(owner);
      await both.rootKeys.activate(young.id.toString('hex'), NOW);
      const tenant = await rotatingOne(both);
      await resealAll(both, tenant);
      await Promise.all([both.tenantKeys.retire(tenant), both.rootKeys.rewrap(undefined, 9)]);
      await both.rootKeys.rewrap(undefined, 9);

      expect(await both.rootKeys.retire(NOW)).toHaveLength(1);
      expect(await both.tenantKeys.versions(owner.tenantUid)).toEqual([2]);
      const after = await createStores({ database: vault.database, keks: { current: young }, clock: vault.clock });
      expect(await tokenOf(after, vault.connection.uid)).toBe('rt-2');
      expect(await reasonOf(stores.check())).toBe('RECORD_CORRUPT');
    });

    test('a tenant that is registered again after a rotation starts with the first version', async () => {
      const { vault, stores, owner } = await beforeRotation(open);
      await rotateFully(stores, owner);
      await stores.tenants.delete(vault.tenant);
      const again = sampleTenant('acme', { uid: 'other-uid' });
      await stores.tenants.register({ tenant: again, app: undefined, credential: undefined });

      expect(await stores.tenantKeys.versions('other-uid')).toEqual([1]);
      const versions = [];
      for await (const dek of readDeks(vault.database)) versions.push(dek.version);
      expect(versions).toEqual([1, 1]);
    });

    test('other processes learn of both ends of a rotation through the changes feed', async () => {
      const { stores, owner } = await beforeRotation(open);
      const before = (await stores.changes.newest())?.position ?? 0;
      await rotateFully(stores, owner);

      const rows = await stores.changes.read(before + 1, 100);
      const change = { kind: 'data_keys', uid: owner.tenantUid };
      expect(rows.map((row) => row.change)).toEqual([change, change]);
    });
  });
}
