import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { FORCE_REFRESH, type RefreshRequest } from '../../src/tokens/refresh_request.ts';
import { grant, openScriptedWorld, type ScriptedWorld } from './scripted_world.ts';
import { ADA } from './token_test_data.ts';
import { eventually, GRAPH, OUTLOOK, reasonOf } from './token_world.ts';

let world: ScriptedWorld;
let ada: Connection;
beforeEach(async () => {
  world = await openScriptedWorld();
  ada = await world.connect('ada');
});
afterEach(() => void vi.restoreAllMocks());

const lease = { owner: 'other', resource: GRAPH, duration: MINUTE };

test('a new token is served with its account, and from memory afterwards', async () => {
  const opened = world.openRefresh();

  const served = await opened.refreshOf('ada');

  const subject = { directoryId: ada.account?.directoryId, userId: ada.account?.objectId };
  expect(served).toMatchObject({ source: 'ENTRA', connectionUid: ada.uid, subject });
  expect(opened.cache.find(ada.uid, GRAPH, world.clock.now())?.served).toEqual({ ...served, source: 'CACHE' });
  expect(world.entra.admissions).toMatchObject([
    {
      app: { uid: world.app.uid },
      directoryId: ada.account?.directoryId,
      tenantUid: world.tenant.uid,
      forcedBy: undefined,
      priority: 'FOREGROUND',
      requester: { connectionUid: ada.uid, weight: 'FULL' },
    },
  ]);
});

test('an import without an account is of no subject, and its refusals prove little', async () => {
  ada = await world.connect('import', { account: undefined, verifyTime: undefined });
  const opened = world.openRefresh();

  const { subject } = await opened.refreshOf('ada', {
    snapshot: await opened.snapshots.get(world.tenant.tenantId, 'import'),
  });

  expect(subject).toBeUndefined();
  const [admission] = world.entra.admissions;
  expect(admission).toMatchObject({ directoryId: undefined, requester: { weight: 'REQUEST' } });
});

test('a stored token is served without Entra, unless the request does not accept it', async () => {
  await world.openRefresh().refreshOf('ada');
  const opened = world.openRefresh();

  const { source, subject } = await opened.refreshOf('ada');
  expect([source, subject?.userId]).toEqual(['DATABASE', ada.account?.objectId]);
  expect(opened.cache.find(ada.uid, GRAPH, world.clock.now())?.served.source).toBe('CACHE');
  expect(world.entra.admissions).toHaveLength(1);

  expect((await opened.refreshOf('ada', FORCE_REFRESH)).source).toBe('ENTRA');
  expect((await opened.refreshOf('ada', { accepts: () => false })).source).toBe('ENTRA');
  expect((await opened.refreshOf('ada', { expiresAfter: Number.MAX_SAFE_INTEGER })).source).toBe('ENTRA');
});

test('a refresh that is forced reads no stored token', async () => {
  const asked: unknown[] = [];
  const { grants } = world.stores;
  const findAccessToken: typeof grants.findAccessToken = (connection, resource, expiresAfter) => {
    asked.push(expiresAfter);
    return grants.findAccessToken(connection, resource, expiresAfter);
  };
  const opened = world.openRefresh({ stores: { ...world.stores, grants: { ...grants, findAccessToken } } });
  await opened.refreshOf('ada', FORCE_REFRESH);

  expect(asked).toEqual([Number.MAX_SAFE_INTEGER]);
});

test('the lease is for one resource, lasts 12 s, and is of this replica', async () => {
  const { grants } = world.stores;
  const leases: unknown[] = [];
  const opened = world.openRefresh({
    stores: {
      ...world.stores,
      grants: {
        ...grants,
        lease(uid, asked) {
          leases.push([uid, asked]);
          return grants.lease(uid, asked);
        },
      },
    },
  });
  const { connection } = await opened.snapshots.get(world.tenant.tenantId, 'ada');

  await opened.refreshOf('ada', { expiresAfter: 7 });

  const asked = { owner: 'replica', resource: GRAPH, duration: 12 * SECOND, endsAfter: 7, known: connection };
  expect(leases).toEqual([[ada.uid, asked]]);
});

test('each lease and slot of an exchange is free after it, also after a refusal', async () => {
  const isFree = async () => {
    const held = await world.stores.grants.lease(ada.uid, lease);
    await held?.release();
    return held !== undefined;
  };
  const opened = world.openRefresh();

  await opened.refreshOf('ada');
  expect([world.entra.inUse, await isFree()]).toEqual([0, true]);
  world.entra.answers.push(() => Promise.reject(new Error('queued by the test')));
  await expect(opened.refreshOf('ada', FORCE_REFRESH)).rejects.toThrow('queued by the test');
  expect([world.entra.inUse, await isFree()]).toEqual([0, true]);
});

test('the lease of another replica is waited for in growing pauses', async () => {
  const other = await world.stores.grants.lease(ada.uid, lease);
  const pauses: number[] = [];
  const sleep = async (pause: number) => {
    pauses.push(Math.round(pause));
    if (pauses.length === 9) await other?.release();
  };
  const opened = world.openRefresh({ timers: { ...world.timers, sleep } });

  expect((await opened.refreshOf('ada')).source).toBe('ENTRA');

  expect(pauses).toEqual([40, 60, 90, 135, 203, 304, 400, 400, 400]);
  expect(opened.counted.get('leaseLost')).toBe(9);
  expect(world.entra.inUse).toBe(0);
});

test('the pauses of replicas differ', async () => {
  const other = await world.stores.grants.lease(ada.uid, lease);
  const pauses: number[] = [];
  const sleep = async (pause: number) => {
    pauses.push(pause);
    await other?.release();
  };

  await world.openRefresh({ timers: { ...world.timers, sleep }, random: () => 0.25 }).refreshOf('ada');

  expect(pauses).toEqual([30]);
});

test('the lease of another replica is waited for at most 15 s', async () => {
  await world.stores.grants.lease(ada.uid, lease);
  let monotonic = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic);
  const sleep = async () => {
    monotonic += 5 * SECOND;
  };
  const opened = world.openRefresh({ timers: { ...world.timers, sleep } });

  await expect(opened.refreshOf('ada')).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { resource: world.nameOf('ada') },
    retryAfter: SECOND,
  });
  expect(opened.counted.get('leaseLost')).toBe(4);
});

test('a connection that is deleted while another replica has its lease is not found', async () => {
  await world.stores.grants.lease(ada.uid, lease);
  let sleeps = 0;
  const sleep = async () => {
    if (++sleeps > 1) throw new Error('still waiting');
    await world.stores.connections.delete(ada);
  };
  const opened = world.openRefresh({ timers: { ...world.timers, sleep } });

  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe('CONNECTION_NOT_FOUND');
});

test('what is contained, paused or forced too often needs no slot', async () => {
  const opened = world.openRefresh();
  const force = { callerId: 'mail' };
  await opened.refreshOf('ada', { ...FORCE_REFRESH, force });
  expect(world.entra.admissions).toMatchObject([{ forcedBy: 'mail' }]);

  const again = { ...FORCE_REFRESH, force: { callerId: 'mail' } };
  expect(await reasonOf(() => opened.refreshOf('ada', again))).toBe('RATE_LIMITED');
  const snapshot = await opened.snapshots.get(world.tenant.tenantId, 'ada');
  const paused = { ...snapshot, connection: { ...snapshot.connection, heldUntil: world.clock.now() + MINUTE } };
  expect(await reasonOf(() => opened.refreshOf('ada', { ...FORCE_REFRESH, snapshot: paused }))).toBe(
    'ENTRA_UNAVAILABLE',
  );
  world.contain();
  expect(await reasonOf(() => opened.refreshOf('ada', FORCE_REFRESH))).toBe('CONTAINED');
  expect(world.entra.admissions).toHaveLength(1);
});

test('a grant that is replaced again and again is refreshed three times at most', async () => {
  const opened = world.openRefresh();
  for (let i = 0; i < 4; i++) {
    world.entra.answers.push(async (asked) => {
      await world.replaceGrant(ada);
      return grant(asked, world.clock.now());
    });
  }

  await expect(opened.refreshOf('ada', FORCE_REFRESH)).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    metadata: { resource: world.nameOf('ada') },
    retryAfter: SECOND,
  });
  expect(opened.counted.get('fenced')).toBe(3);
  expect(world.entra.exchanges).toHaveLength(3);
});

test('after its grant was replaced, no token of a connection stays in memory, and the new grant decides', async () => {
  const opened = world.openRefresh();
  await opened.refreshOf('ada');
  world.entra.answers.push(async (asked) => {
    await world.replaceGrant(ada, { granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: ['IMAP.AccessAsUser.All'] } });
    return grant(asked, world.clock.now());
  });
  world.entra.answers.push((asked) => {
    expect(opened.cache.find(ada.uid, GRAPH, world.clock.now())).toBeUndefined();
    return grant(asked, world.clock.now());
  });

  const { accessToken } = await opened.refreshOf('ada', FORCE_REFRESH);

  expect(accessToken.permissions).toEqual(['Mail.Read']);
  expect(opened.counted.get('fenced')).toBe(1);
});

test.each([
  ['suspended', 'CONNECTION_SUSPENDED', () => world.stores.connections.setSuspended(ada, 1, 1)],
  ['deleted', 'CONNECTION_NOT_FOUND', () => world.stores.connections.delete(ada)],
])('a connection that is %s during an exchange gets no token', async (_, reason, change) => {
  const opened = world.openRefresh();
  world.entra.answers.push(async (asked) => {
    await change();
    return grant(asked, world.clock.now());
  });

  expect(await reasonOf(() => opened.refreshOf('ada'))).toBe(reason);

  expect(world.entra.admissions).toHaveLength(1);
  expect(opened.cache.size).toBe(0);
});

test('a token is not put into memory if its owner was dropped during the exchange, and each fill is closed', async () => {
  const { cache } = world.openParts();
  const open: object[] = [];
  const watched: typeof cache = {
    ...cache,
    open(owner) {
      const fill = cache.open(owner);
      open.push(owner);
      const close = () => {
        open.splice(open.indexOf(owner), 1);
        return fill.close();
      };
      return { put: fill.put, close };
    },
  };
  const opened = world.openRefresh({ cache: watched });
  for (const uid of [ada.uid, world.app.uid, world.tenant.uid]) {
    world.entra.answers.push((asked) => {
      expect(open).toEqual([{ uid: ada.uid, appUid: world.app.uid, tenantUid: world.tenant.uid }]);
      const kind = uid === ada.uid ? 'connection' : uid === world.app.uid ? 'app' : 'tenant';
      cache.drop({ kind, uid });
      return grant(asked, world.clock.now());
    });
    await opened.refreshOf('ada', FORCE_REFRESH);
    expect(cache.find(ada.uid, GRAPH, world.clock.now())).toBeUndefined();
  }
  world.entra.answers.push(() => Promise.reject(new Error('queued by the test')));
  await expect(opened.refreshOf('ada', FORCE_REFRESH)).rejects.toThrow();

  expect(open).toEqual([]);
});

test('a token that Entra wants replaced at once is used for 30 s', async () => {
  const opened = world.openRefresh();
  const now = world.clock.now();
  world.entra.answers.push((asked) => {
    const granted = grant(asked, now);
    return { ...granted, accessToken: { ...granted.accessToken, refreshTime: now } };
  });

  await opened.refreshOf('ada');

  expect(opened.cache.find(ada.uid, GRAPH, now)?.aheadTime).toBe(now + 30 * SECOND);
});

test('a caller forces 36 refreshes of an app and directory at once, the others are refused before any read', async () => {
  const bea = await world.connect('bea', { account: { ...ADA, directoryId: 'other' } });
  const gate = Promise.withResolvers<void>();
  world.entra.whileWaiting = () => gate.promise;
  const opened = world.openRefresh();
  const beas = await opened.snapshots.get(world.tenant.tenantId, 'bea');
  const force = (callerId: string, changes: Partial<RefreshRequest> = {}) =>
    reasonOf(() => opened.refreshOf('ada', { ...FORCE_REFRESH, force: { callerId }, ...changes }));

  const flood = Array.from({ length: 36 }, () => force('flooder'));
  await eventually(() => world.entra.admissions.length).toBe(36);
  const { grants } = world.stores;
  const read = vi.spyOn(grants, 'findAccessToken');
  expect(await force('flooder')).toBe('OVERLOADED');
  expect(read).not.toHaveBeenCalled();

  const others = [force('mail'), force('flooder', { snapshot: beas }), reasonOf(() => opened.refreshOf('ada'))];
  const ofApp = {
    ...beas,
    app: { ...beas.app, uid: 'another' },
    connection: { ...beas.connection, account: ada.account },
  };
  others.push(force('flooder', { snapshot: ofApp }));
  await eventually(() => world.entra.admissions.length).toBe(40);
  expect(bea.uid).toBe(beas.connection.uid);

  gate.resolve();
  await Promise.all([...flood, ...others]);
  expect(await force('flooder')).toBe('RATE_LIMITED');
});
