import { beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import {
  type ConnectionSnapshots,
  type ConnectionSnapshotsParts,
  createConnectionSnapshots,
} from '../../src/tokens/connection_snapshot_cache.ts';
import { reasonOf } from './token_world.ts';

const tenantOf = (tenantId: string) =>
  ({
    uid: `t-${tenantId}`,
    tenantId,
    state: 'ACTIVE',
    catalog: 'aurinko',
    allowedDirectoryIds: [],
    version: 1,
  }) as unknown as Tenant;

const app = {
  uid: 'a',
  tenantUid: 't-acme',
  tenantId: 'acme',
  appId: 'default',
  suspended: false,
  sharedWith: ['*'],
  version: 1,
} as unknown as App;

const connectionOf = (tenantId: string, connectionId: string, changes: Partial<Connection> = {}) =>
  ({
    uid: `c-${tenantId}-${connectionId}`,
    tenantUid: `t-${tenantId}`,
    tenantId,
    connectionId,
    appUid: 'a',
    appTenantId: 'acme',
    appId: 'default',
    labels: {},
    productScopes: [],
    granted: {},
    resourceIssues: {},
    grantState: 'ACTIVE',
    version: 1,
    ...changes,
  }) as unknown as Connection;

/** Rows that a test changes; each read returns a copy, as a database does. */
let tenants: Map<string, Tenant>;
let apps: Map<string, App>;
let connections: Map<string, Connection>;
let reads: number;
let onRead: () => void | Promise<void>;
let snapshots: ConnectionSnapshots;

beforeEach(() => {
  tenants = new Map(['acme', 'guest'].map((id) => [id, tenantOf(id)]));
  apps = new Map([['a', app]]);
  const rows = [connectionOf('acme', 'ada'), connectionOf('acme', 'bea'), connectionOf('guest', 'eve')];
  connections = new Map(rows.map((row) => [row.uid, row]));
  reads = 0;
  onRead = () => {};
  const copy = <Row extends object>(row: Row | undefined) => row && { ...row };
  const stores = {
    tenants: { find: async (tenantId: string) => copy(tenants.get(tenantId)) },
    apps: { findByUid: async (uid: string) => copy(apps.get(uid)) },
    connections: {
      async find(tenantUid: string, connectionId: string) {
        reads += 1;
        const found = [...connections.values()].find(
          (one) => one.tenantUid === tenantUid && one.connectionId === connectionId,
        );
        await onRead();
        return copy(found);
      },
      findByUid: async (uid: string) => copy(connections.get(uid)),
    },
  } as unknown as ConnectionSnapshotsParts['stores'];
  snapshots = createConnectionSnapshots({ stores, limit: 100 });
});

const peeked = () =>
  [snapshots.peek('acme', 'ada'), snapshots.peek('acme', 'bea'), snapshots.peek('guest', 'eve')].map(
    (one) => one !== undefined,
  );
async function readAll() {
  await snapshots.get('acme', 'ada');
  await snapshots.get('acme', 'bea');
  await snapshots.get('guest', 'eve');
}

describe('a snapshot', () => {
  test('is read once, also by requests at the same time', async () => {
    const [one, other] = await Promise.all([snapshots.get('acme', 'ada'), snapshots.get('acme', 'ada')]);
    expect(one).toBe(other);
    expect(await snapshots.get('acme', 'ada')).toBe(one);
    expect(snapshots.peek('acme', 'ada')).toBe(one);
    expect(reads).toBe(1);
    expect(await snapshots.load('acme', 'ada')).not.toBe(one);
  });

  test('of what does not exist is refused by name', async () => {
    expect(await reasonOf(() => snapshots.get('none', 'ada'))).toBe('TENANT_NOT_FOUND');
    expect(await reasonOf(() => snapshots.get('acme', 'none'))).toBe('CONNECTION_NOT_FOUND');
    apps.clear();
    expect(await reasonOf(() => snapshots.get('acme', 'ada'))).toBe('CONNECTION_NOT_FOUND');
  });

  test('has the tenant of the connection and the owner of the app', async () => {
    const { tenant, owner, catalog } = await snapshots.get('guest', 'eve');
    expect([tenant.tenantId, owner.tenantId, catalog]).toEqual(['guest', 'acme', 'aurinko']);
    const own = await snapshots.get('acme', 'ada');
    expect(own.owner).toBe(own.tenant);
  });

  test('shares its tenant and app with those of other connections, until their next version', async () => {
    const [ada, bea] = [await snapshots.get('acme', 'ada'), await snapshots.get('acme', 'bea')];
    expect([bea.tenant === ada.tenant, bea.app === ada.app]).toEqual([true, true]);
    apps.set('a', { ...app, version: 2, catalog: 'microsoft' });
    const eve = await snapshots.get('guest', 'eve');
    expect([eve.app.version, eve.catalog]).toEqual([2, 'microsoft']);
  });

  test.each([
    ['ACTIVE', {}, {}, true, true],
    ['BLOCKED', {}, {}, false, false],
    ['BLOCKED', { resourceIssues: { x: { state: 'BLOCKED' } } }, {}, false, true],
    ['ACTIVE', { suspendTime: 1 }, {}, false, false],
    ['ACTIVE', {}, { suspended: true }, false, false],
  ])('in state %s with %j of an app with %j is open: %j, sound: %j', async (state, changes, ofApp, open, sound) => {
    const grantState = state as Connection['grantState'];
    const row = connectionOf('acme', 'ada', { grantState, ...(changes as Partial<Connection>) });
    connections.set(row.uid, row);
    apps.set('a', { ...app, ...ofApp });
    expect(await snapshots.get('acme', 'ada')).toMatchObject({ open, sound });
  });

  test('shares which scopes are granted with those of equal grants, unless Entra refused a resource', async () => {
    const granted = { 'https://graph.microsoft.com': ['Mail.Read'] };
    const refused = { 'https://graph.microsoft.com': { state: 'BLOCKED' } } as unknown as Connection['resourceIssues'];
    for (const [id, changes] of Object.entries({
      ada: {},
      bea: {},
      cid: { resourceIssues: refused },
      dan: { granted: {} },
    })) {
      const row = connectionOf('acme', id, { granted, ...changes });
      connections.set(row.uid, row);
    }
    const resolved = async (id: string) => (await snapshots.get('acme', id)).resolvedScopes;
    const ada = await resolved('ada');
    expect([await resolved('bea'), await resolved('cid'), await resolved('dan')].map((one) => one === ada)).toEqual([
      true,
      false,
      false,
    ]);
    snapshots.clear();
    expect(await resolved('ada')).not.toBe(ada);
  });

  test('forgets resolved scopes when the catalogs change, also those of connections that were dropped', async () => {
    const scope = { resource: 'https://graph.microsoft.com', permissions: [] };
    const resolved = async (id: string) => (await snapshots.get('acme', id)).resolvedScopes;
    for (const id of ['ada', 'bea']) {
      const row = connectionOf('acme', id, { granted: { [`https://${id}.example`]: ['Read'] } });
      connections.set(row.uid, row);
      (await resolved(id)).set('x', scope);
    }
    snapshots.drop({ kind: 'connection', uid: 'c-acme-bea' });

    snapshots.forgetScopes();

    expect([(await resolved('ada')).get('x'), (await resolved('bea')).get('x')]).toEqual([undefined, undefined]);
  });

  test('is found by uid, unless the connection was deleted', async () => {
    expect((await snapshots.findByUid('c-acme-ada'))?.connection.connectionId).toBe('ada');
    connections.clear();
    expect(await snapshots.findByUid('c-acme-ada')).toBeUndefined();
  });
});

describe('a change', () => {
  test.each([
    ['connection', 'c-acme-ada', [false, true, true]],
    ['app', 'a', [false, false, false]],
    ['app', 't-acme', [true, true, true]],
    // Also as the owner of the app.
    ['tenant', 't-acme', [false, false, false]],
    ['tenant', 't-guest', [true, true, false]],
    ['data_keys', 'none', [true, true, true]],
  ] as const)('of the %s %s drops the snapshots that it concerns', async (kind, uid, kept) => {
    await readAll();
    snapshots.drop({ kind, uid });
    expect(peeked()).toEqual(kept);
  });

  test('during a read makes it read again, three times at most, and then it is not kept', async () => {
    onRead = () => {
      if (reads === 1) snapshots.drop({ kind: 'connection', uid: 'another' });
    };
    await snapshots.get('acme', 'ada');
    expect([reads, ...peeked()]).toEqual([2, true, false, false]);

    reads = 0;
    onRead = () => snapshots.drop({ kind: 'connection', uid: 'another' });
    expect((await snapshots.get('acme', 'bea')).connection.connectionId).toBe('bea');
    expect([reads, ...peeked()]).toEqual([3, true, false, false]);
  });

  test('of a deleted connection keeps the snapshot of its successor of the same name', async () => {
    await snapshots.get('acme', 'ada');
    connections.clear();
    const successor = connectionOf('acme', 'ada', { uid: 'c-new' });
    connections.set(successor.uid, successor);
    await snapshots.load('acme', 'ada');
    snapshots.drop({ kind: 'connection', uid: 'c-acme-ada' });
    expect(snapshots.peek('acme', 'ada')?.connection.uid).toBe('c-new');
    snapshots.drop({ kind: 'connection', uid: 'c-new' });
    expect(snapshots.peek('acme', 'ada')).toBeUndefined();
  });

  test('separates a read from one that began before it', async () => {
    const gate = Promise.withResolvers<void>();
    onRead = () => gate.promise;
    const early = snapshots.load('acme', 'ada');
    snapshots.drop({ kind: 'connection', uid: 'another' });
    const late = snapshots.load('acme', 'ada');
    gate.resolve();
    await Promise.all([early, late]);
    // The early one read again.
    expect(reads).toBe(3);
  });

  test('of which nothing is known drops all, and what is known of versions', async () => {
    await readAll();
    snapshots.update(connectionOf('acme', 'ada', { version: 9 }));
    snapshots.clear();
    expect(peeked()).toEqual([false, false, false]);
    // A restored database repeats versions.
    await snapshots.get('acme', 'ada');
    expect([reads, snapshots.peek('acme', 'ada')?.connection.version]).toEqual([4, 1]);
  });
});

describe('a recorded outcome', () => {
  test('replaces the connection', async () => {
    const before = await snapshots.get('acme', 'ada');
    snapshots.update(connectionOf('acme', 'ada', { version: 2, grantState: 'BLOCKED' }));
    expect(snapshots.peek('acme', 'ada')).toMatchObject({
      tenant: before.tenant,
      app: before.app,
      connection: { version: 2 },
      open: false,
    });
  });

  test('of an older version replaces nothing, nor is one of an unknown connection kept', async () => {
    const row = connectionOf('acme', 'ada', { version: 5 });
    connections.set(row.uid, row);
    await snapshots.get('acme', 'ada');
    snapshots.update(connectionOf('acme', 'ada', { version: 4 }));
    expect(snapshots.peek('acme', 'ada')?.connection.version).toBe(5);
    snapshots.update(connectionOf('acme', 'ada', { version: 5, grantState: 'BLOCKED' }));
    expect(snapshots.peek('acme', 'ada')?.open).toBe(false);
    snapshots.update(connectionOf('acme', 'bea'));
    expect(snapshots.peek('acme', 'bea')).toBeUndefined();
  });

  test('is not replaced by a read of an earlier version, as from a replica that lags', async () => {
    await snapshots.get('acme', 'ada');
    snapshots.update(connectionOf('acme', 'ada', { version: 2 }));
    reads = 0;
    expect((await snapshots.load('acme', 'ada')).connection.version).toBe(1);
    expect([reads, snapshots.peek('acme', 'ada')?.connection.version]).toEqual([3, 2]);
    const row = connectionOf('acme', 'ada', { version: 2 });
    connections.set(row.uid, row);
    reads = 0;
    await snapshots.load('acme', 'ada');
    expect(reads).toBe(1);
  });
});
