import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { VaultError } from '../../src/model/errors.ts';
import { createChanges } from '../../src/model/resource_change_announcements.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { createScopes } from '../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import type { AccessTokenRequest, TokenCeilings } from '../../src/tokens/access_token_service_interface.ts';
import { type AccessTokensParts, createAccessTokens } from '../../src/tokens/create_access_token_service.ts';
import { grant, openScriptedWorld, refusal, type ScriptedWorld } from './scripted_world.ts';
import { createCountingMetrics } from './token_test_data.ts';
import { ask, eventually, GRAPH, OUTLOOK, reasonOf } from './token_world.ts';

const scopes = createScopes({ catalogs: await loadCatalogs() });

let world: ScriptedWorld;
let ada: Connection;
let opened: { close(): Promise<void> }[];
beforeEach(async () => {
  world = await openScriptedWorld();
  ada = await world.connect('ada');
  opened = [];
});
afterEach(async () => {
  for (const tokens of opened) await tokens.close();
});

function open(parts: Partial<AccessTokensParts> = {}) {
  const { stores, entra, clock, tenant, contained } = world;
  const metrics = createCountingMetrics();
  const changes = createChanges();
  const tasks: { readonly period: number; readonly run: () => void }[] = [];
  const timers = {
    sleep: world.timers.sleep,
    every(period: number, run: () => void) {
      const task = { period, run };
      tasks.push(task);
      return () => void tasks.splice(tasks.indexOf(task), 1);
    },
  };
  const shared = { stores, authorizationServer: entra, scopes, clock, contained, changes, metrics, timers };
  const tokens = createAccessTokens({ ...shared, ...parts });
  opened.push(tokens);
  const [probe, keepAlive, renew] = tasks.map(({ run }) => run);
  const { tenantId } = tenant;
  const { signal } = ask('ada');
  return {
    tokens,
    changes,
    tasks,
    counted: metrics.counts,
    runs: { probe: () => probe?.(), keepAlive: () => keepAlive?.(), renew: () => renew?.() },
    get: async (connectionId: string, changes: Partial<AccessTokenRequest> = {}) =>
      tokens.get(ask(connectionId, { tenantId, ...changes })),
    verify: (connectionId: string) => tokens.verifyConnection({ callerId: 'mail', tenantId, connectionId, signal }),
    getForApp: async (directoryId = CONTOSO) =>
      tokens.getForApp({ tenantId, appId: 'default', resource: GRAPH, directoryId, minTtl: MINUTE, signal }),
  };
}

const REVOKED = refusal('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED');
const exchanges = () => world.entra.exchanges.length;
const priorities = () => world.entra.admissions.map(({ priority }) => priority);
/** Lets everything happen that needs no timer: the database of these tests answers at once. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const suspendTenant = async () => {
  const { tenants } = world.stores;
  await tenants.update(world.tenant, { ...world.tenant, state: 'SUSPENDED' });
};

test('equal requests share a refresh, and those of other connections and resources do not', async () => {
  await world.connect('bea', { granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: ['IMAP.AccessAsUser.All'] } });
  const { get, verify } = open();

  const outlook = { scopes: [`${OUTLOOK}/.default`] };
  const served = await Promise.all([get('ada'), get('ada'), get('bea'), get('bea', outlook)]);

  expect(new Set(served.map(({ accessToken }) => accessToken.token.reveal())).size).toBe(3);
  expect(served[3]?.accessToken.resource).toBe(OUTLOOK);
  expect(exchanges()).toBe(3);
  expect([(await verify('ada')).uid, exchanges()]).toEqual([ada.uid, 4]);
});

test('keeps tokens of as many connections as it should', async () => {
  await world.connect('bea');
  const { get } = open({ cachedConnections: 1 });

  for (const id of ['ada', 'bea']) await get(id);

  expect((await get('bea')).source).toBe('CACHE');
  expect((await get('ada')).source).toBe('DATABASE');
});

test('a token that had to wait is checked again: its lifetime, and whether its connection is served', async () => {
  const { tokens, changes, get } = open();
  const { accessToken } = await get('ada');
  const { tenantId, uid } = world.tenant;
  const request = ask('ada', { tenantId, minTtl: MINUTE });
  const recheck = (expireTime: number) => reasonOf(async () => tokens.recheck(request, expireTime));

  expect(tokens.recheck(request, accessToken.expireTime)).toBeUndefined();
  expect(await recheck(world.clock.now() + MINUTE - 1)).toBe('ENTRA_UNAVAILABLE');
  await suspendTenant();
  changes.announce({ kind: 'tenant', uid });
  expect(await recheck(accessToken.expireTime)).toBe('TENANT_SUSPENDED');
  expect(exchanges()).toBe(1);
});

test('runs its periodic tasks until it is closed', async () => {
  const { tasks, tokens } = open();
  expect(tasks.map(({ period }) => period)).toEqual([5 * SECOND, MINUTE, 5 * SECOND, MINUTE]);

  await tokens.close();

  expect(tasks).toEqual([]);
});

test('a closed service replaces no token ahead, and has recorded what it began', async () => {
  const { get, tokens } = open();
  const gate = Promise.withResolvers<void>();
  world.entra.whileWaiting = () => gate.promise;
  const call = get('ada');
  await eventually(() => world.entra.admissions.length).toBe(1);

  const closed = tokens.close();
  gate.resolve();
  await closed;
  expect(await world.stores.grants.findAccessToken(ada, GRAPH, 0)).toBeDefined();
  await call;

  world.clock.advance(55 * MINUTE);
  expect((await get('ada')).source).toBe('CACHE');
  expect(priorities()).toEqual(['FOREGROUND']);
});

test('closing waits for the token of an app, and for the keep-alive', async () => {
  await world.connect('idle', { keepAliveTime: world.clock.now() - 1 });
  const { tokens, getForApp, runs } = open();
  const gate = Promise.withResolvers<void>();
  world.entra.whileWaiting = () => gate.promise;
  const call = getForApp();
  runs.keepAlive();
  await eventually(priorities).toEqual(['FOREGROUND', 'BACKGROUND']);

  let isClosed = false;
  const closed = tokens.close().then(() => {
    isClosed = true;
  });
  await settled();
  expect(isClosed).toBe(false);
  gate.resolve();
  await closed;

  expect([(await call).source, exchanges()]).toEqual(['ENTRA', 1]);
});

test('a stream ends when its connection is contained', async () => {
  const { tokens, counted } = open();
  const stream = tokens.watch(ask('ada', { tenantId: world.tenant.tenantId }));
  expect((await stream.next()).value).toMatchObject({ source: 'ENTRA' });
  expect(counted.get('served/ENTRA')).toBe(1);

  const next = reasonOf(() => stream.next());
  await settled();
  world.contain();

  expect(await next).toBe('CONTAINED');
});

test('what an operator must know is counted and logged', async () => {
  const events: unknown[] = [];
  const { get, counted } = open({ log: { event: (_, name, fields) => void events.push([name, fields]) } });
  world.entra.refuse(refusal('loop_detected', 'connection', 'ENTRA_UNAVAILABLE'));

  await reasonOf(() => get('ada'));

  expect(counted.get('alert/loop_detected')).toBe(1);
  expect(events).toMatchObject([['token_alert', { topic: 'loop_detected', connectionUid: ada.uid }]]);
});

test('idle connections are kept alive, also by the process that takes the job over', async () => {
  const keepAliveTime = world.clock.now() - 1;
  await world.connect('idle', { keepAliveTime });
  const first = open();
  first.runs.keepAlive();
  await eventually(() => first.counted.get('keptAlive/ok')).toBe(1);
  await first.tokens.close();

  await world.connect('another', { keepAliveTime });
  const second = open();
  second.runs.renew();
  await eventually(() => second.counted.get('keptAlive/ok')).toBe(1);
  expect(priorities()).toEqual(['BACKGROUND', 'BACKGROUND']);
});

test('while the feed of changes is behind, a hit reads the database', async () => {
  const { get } = open({ feed: { behind: true, stale: false } });
  await get('ada');
  expect((await get('ada')).source).toBe('CACHE');

  await suspendTenant();

  expect(await reasonOf(() => get('ada'))).toBe('TENANT_SUSPENDED');
});

describe('after a change', () => {
  test('of a connection its token, its pause and its challenges are forgotten', async () => {
    const { get, changes } = open();
    await get('ada');
    const claims = '{"access_token":{}}';
    world.entra.refuse(REVOKED);
    for (let i = 0; i < 2; i++) expect(await reasonOf(() => get('ada', { claims }))).toBe('REAUTHORIZATION_REQUIRED');
    expect(exchanges()).toBe(3);
    expect((await get('ada')).source).toBe('CACHE');

    changes.announce({ kind: 'connection', uid: 'another' });
    expect((await get('ada')).source).toBe('CACHE');
    changes.announce({ kind: 'connection', uid: ada.uid });

    expect((await get('ada')).source).toBe('DATABASE');
    world.clock.advance(31 * SECOND);
    expect((await get('ada', { claims })).source).toBe('ENTRA');
  });

  test('of a connection the pause after a token of another account ends', async () => {
    const { get, changes } = open();
    const eve = { directoryId: CONTOSO, objectId: 'eve', username: 'eve', displayName: undefined, email: undefined };
    const toEve = (asked: Parameters<typeof grant>[0]) => ({ ...grant(asked, world.clock.now()), account: eve });
    world.entra.answers.push(toEve, toEve);
    for (let i = 0; i < 2; i++) expect(await reasonOf(() => get('ada'))).toBe('INTERNAL');
    changes.announce({ kind: 'tenant', uid: ada.uid });
    expect(await reasonOf(() => get('ada'))).toBe('INTERNAL');
    expect(exchanges()).toBe(1);

    changes.announce({ kind: 'connection', uid: ada.uid });

    expect(await reasonOf(() => get('ada'))).toBe('INTERNAL');
    expect(exchanges()).toBe(2);
  });

  test('of a connection its token is dropped without a read', async () => {
    const { apps } = world.stores;
    let isSlow = false;
    const findByUid: typeof apps.findByUid = (uid) => (isSlow ? new Promise(() => {}) : apps.findByUid(uid));
    const { get, changes } = open({ stores: { ...world.stores, apps: { ...apps, findByUid } } });
    await get('ada');

    isSlow = true;
    changes.announce({ kind: 'connection', uid: ada.uid });
    isSlow = false;

    expect((await get('ada')).source).toBe('DATABASE');
  });

  test('of a tenant nothing of it is served from memory', async () => {
    const { get, getForApp, changes } = open();
    await get('ada');
    await getForApp();
    await suspendTenant();
    expect((await get('ada')).source).toBe('CACHE');

    changes.announce({ kind: 'tenant', uid: world.tenant.uid });

    expect(await reasonOf(() => get('ada'))).toBe('TENANT_SUSPENDED');
    expect(await reasonOf(() => getForApp())).toBe('TENANT_SUSPENDED');
  });

  test.each([
    ['stays in service keeps its tokens', 'CACHE', 'CACHE'],
    ['is suspended drops them', 'DATABASE', 'ENTRA'],
    ['cannot be read drops them', 'DATABASE', 'ENTRA'],
  ])('of an app, one that %s', async (what, ofConnection, ofApp) => {
    const { apps } = world.stores;
    let isDown = false;
    const reads: Promise<unknown>[] = [];
    const findByUid: typeof apps.findByUid = (uid) => {
      const down = new VaultError('DATABASE_UNAVAILABLE', 'queued by the test');
      const read = isDown ? Promise.reject(down) : apps.findByUid(uid);
      reads.push(read);
      return read;
    };
    const { get, getForApp, changes } = open({ stores: { ...world.stores, apps: { ...apps, findByUid } } });
    await get('ada');
    await getForApp();

    isDown = what.startsWith('cannot');
    const app = await apps.update(world.app, { ...world.app, suspended: what.startsWith('is suspended') });
    changes.announce({ kind: 'app', uid: app.uid });
    await Promise.allSettled(reads);
    await settled();
    isDown = false;
    await apps.update(app, { ...app, suspended: false });

    expect((await get('ada')).source).toBe(ofConnection);
    expect((await getForApp()).source).toBe(ofApp);
  });

  test('that was missed nothing is served from memory', async () => {
    const { get, getForApp, changes } = open();
    await get('ada');
    await getForApp();

    changes.reset();
    expect([(await get('ada')).source, (await getForApp()).source]).toEqual(['DATABASE', 'ENTRA']);

    await suspendTenant();
    changes.reset();
    expect(await reasonOf(() => get('ada'))).toBe('TENANT_SUSPENDED');
    expect(await reasonOf(() => getForApp())).toBe('TENANT_SUSPENDED');
  });
});

describe('the ceilings of a connection', () => {
  function ceilings(excess: 'REFUSE' | 'ALLOW', ...names: readonly string[]): TokenCeilings {
    const rule: Rule = { ...roleRule('limited', 'token_reader', []), ceiling: { scopes: names, excess } };
    return { rules: [rule], decided() {}, listen: () => () => {} };
  }
  const check = (given: TokenCeilings, asked: readonly string[] = [], connectionId = 'ada') =>
    reasonOf(() =>
      open().tokens.checkCeilings({ tenantId: world.tenant.tenantId, connectionId, scopes: asked, ceilings: given }),
    );

  test('are checked against what is requested, and against the last grant', async () => {
    expect(await check(ceilings('REFUSE', 'Mail.ReadOnly', 'Calendar.ReadOnly'))).toBe('OK');
    expect(await check(ceilings('ALLOW', 'Mail.ReadOnly'))).toBe('SCOPE_ABOVE_CEILING');
    expect(await check(ceilings('ALLOW', 'Mail.ReadOnly'), ['Mail.ReadOnly'])).toBe('OK');
    expect(await check(ceilings('REFUSE', 'Mail.ReadOnly'), ['Mail.ReadOnly'])).toBe('SCOPE_ABOVE_CEILING');
    expect(exchanges()).toBe(0);
  });

  test('carry nothing of a resource that is not granted', async () => {
    await world.connect('bea', { granted: {} });

    expect(await check(ceilings('REFUSE', 'Mail.ReadOnly'), ['Mail.ReadOnly'], 'bea')).toBe('OK');
  });
});

describe('equal refusals of many connections', () => {
  let users: Connection[];
  let isDown = false;

  /** All are deferred. */
  async function refuseAll({ get, counted }: ReturnType<typeof open>): Promise<void> {
    users = [];
    for (let i = 0; i < 6; i++) users.push(await world.connect(`user${i}`));
    world.entra.refuse(...users.map(() => REVOKED));
    for (let i = 0; i < 6; i++) await reasonOf(() => get(`user${i}`));
    const states = async () => Promise.all(users.map(async ({ uid }) => (await world.find(uid)).grantState));
    await eventually(states).toEqual(users.map(() => 'ACTIVE'));
    expect(counted.get('alert/correlated_failures')).toBe(1);
  }

  test('are probed after a minute, and one that Entra grants ends them', async () => {
    const service = open();
    await refuseAll(service);
    service.runs.probe();
    world.clock.advance(MINUTE);

    service.runs.probe();
    await eventually(exchanges).toBe(7);

    expect(priorities().at(-1)).toBe('BACKGROUND');
    expect(world.entra.exchanges.at(-1)).toMatchObject({ force: true, resource: GRAPH });
    await eventually(() => reasonOf(() => service.get('user5'))).toBe('OK');
  });

  test('are probed although a probe failed', async () => {
    const service = open();
    await refuseAll(service);
    for (const [wait, uid] of [
      [MINUTE, 0],
      [4 * MINUTE, 1],
    ] as const) {
      world.entra.refuse(REVOKED);
      world.clock.advance(wait);
      service.runs.probe();
      await eventually(exchanges).toBe(7 + uid);
    }

    await eventually(() => reasonOf(() => service.get('user5'))).toBe('REAUTHORIZATION_REQUIRED');
  });

  test.each<[string, (service: ReturnType<typeof open>, first: Connection) => unknown]>([
    ['is suspended', (_, first) => world.stores.connections.setSuspended(first, 1, 1)],
    ['is contained', () => world.contain()],
    [
      'cannot be read',
      () => {
        isDown = true;
      },
    ],
  ])('leave out a connection that %s', async (_, change) => {
    const { connections } = world.stores;
    const findByUid: typeof connections.findByUid = (uid) =>
      isDown ? Promise.reject(new VaultError('DATABASE_UNAVAILABLE', 'queued')) : connections.findByUid(uid);
    const service = open({ stores: { ...world.stores, connections: { ...connections, findByUid } } });
    await refuseAll(service);
    const [first] = users;
    if (first === undefined) throw new Error('no user');
    await change(service, await world.find(first.uid));
    world.clock.advance(MINUTE);

    service.runs.probe();
    await settled();
    expect(exchanges()).toBe(6);

    isDown = false;
    world.contained.removeLocal(`tenants/${world.tenant.tenantId}`);
    await connections.setSuspended(await world.find(first.uid), undefined, 1);
    service.changes.announce({ kind: 'tenant', uid: world.tenant.uid });
    expect(await reasonOf(() => service.get('user0'))).toBe('OK');
    expect(exchanges()).toBe(7);
  });

  test('are not probed after the end', async () => {
    const service = open();
    await refuseAll(service);
    await service.tokens.close();
    world.clock.advance(MINUTE);

    service.runs.probe();
    await settled();

    expect(exchanges()).toBe(6);
  });
});
