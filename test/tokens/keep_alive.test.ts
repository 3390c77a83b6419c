import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { VaultError } from '../../src/model/errors.ts';
import { createStoppedClock, eventually, GRAPH, OUTLOOK, openTokenWorld, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
let clock: ReturnType<typeof createStoppedClock>;
beforeEach(async () => {
  world = await openTokenWorld();
  clock = createStoppedClock(world.clock.now());
});
afterEach(() => world.close());

const ADA = 'ada@contoso.example';
const BOTH = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
/** Due now. */
const connect = (connectionId: string, changes: Partial<Connection> = {}, scopes = ['Mail.Read']) =>
  world.connect(connectionId, { scopes, changes: { keepAliveTime: clock.now(), ...changes } });
const connectBoth = (changes: Partial<Connection> = {}) => connect('ada', changes, BOTH);

/** `random` makes a pause half as long again. */
const open = (parts: Parameters<TokenWorld['open']>[0] = {}) => world.open({ clock, random: () => 0.5, ...parts });
/** One batch, to its end. */
async function runBatch(tokens: ReturnType<TokenWorld['open']>): Promise<void> {
  world.timers.tick();
  // Counted at the end of the first batch.
  await eventually(() => [...tokens.counted.keys()].some((key) => key.startsWith('nearIdleExpiry'))).toBe(true);
  await tokens.close();
}
const nextTime = async ({ uid }: Connection) => (await world.find(uid)).keepAliveTime;

test.each<[string, object, number]>([
  ['Entra cannot answer', { kind: 'html' }, 1.5 * HOUR],
  ['a policy blocks the resource', { kind: 'error', code: 53003, error: 'invalid_grant' }, 1.5 * DAY],
])('if %s, the next attempt follows after a pause, spread by chance', async (_, fault, pause) => {
  const ada = await connect('ada');
  const tokens = open();
  world.sandbox.injectFault({ ...fault, count: 10 } as Parameters<typeof world.sandbox.injectFault>[0]);

  await runBatch(tokens);

  expect(await nextTime(ada)).toBe(clock.now() + pause);
  expect(tokens.counted.get('keptAlive/failed')).toBe(1);
});

test('a connection of a suspended app is postponed by a day, and does not count as failed', async () => {
  const ada = await connect('ada');
  await world.stores.apps.update(world.app, { ...world.app, suspended: true });
  const tokens = open();

  await runBatch(tokens);

  expect(await nextTime(ada)).toBe(clock.now() + 1.5 * DAY);
  expect(tokens.counted.get('keptAlive/failed')).toBeUndefined();
});

test('a resource that Entra serves is redeemed before one that it refused, and then no other', async () => {
  const evidence = { reason: 'BLOCKED_BY_POLICY', entraError: 'e', correlationId: 'c', time: 1 } as const;
  const time = clock.now();
  const issue = { state: 'BLOCKED', evidence, startTime: time, retryTime: time + DAY, requested: undefined } as const;
  await connectBoth({ granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: [] }, resourceIssues: { [GRAPH]: issue } });
  const tokens = open();

  await runBatch(tokens);

  expect(world.sandbox.requests().map(({ scope }) => scope?.includes(OUTLOOK))).toEqual([true]);
  expect(tokens.counted.get('keptAlive/ok')).toBe(1);
});

test('a refused resource is redeemed although its pause is not over', async () => {
  const evidence = { reason: 'BLOCKED_BY_POLICY', entraError: 'e', correlationId: 'c', time: 1 } as const;
  const time = clock.now();
  const issue = { state: 'BLOCKED', evidence, startTime: time, retryTime: time + DAY, requested: undefined } as const;
  const refused = { grantState: 'BLOCKED', stateReason: evidence, resourceIssues: { [GRAPH]: issue } } as const;
  const ada = await connect('ada', refused);
  const tokens = open();

  await runBatch(tokens);

  expect(tokens.counted.get('keptAlive/ok')).toBe(1);
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('a revoked grant is not redeemed for its other resources, nor postponed', async () => {
  const ada = await connectBoth();
  world.sandbox.revokeSessions(ADA);

  await runBatch(open());

  expect(world.redemptions()).toBe(1);
  expect(await nextTime(ada)).toBeUndefined();
});

test('a resource that Entra refuses does not keep another one from being redeemed', async () => {
  await connectBoth();
  world.sandbox.requirePolicy(ADA, { code: 53003, resource: GRAPH });
  const tokens = open();

  await runBatch(tokens);

  expect(world.sandbox.requests().map(({ scope }) => scope?.includes(OUTLOOK))).toEqual([false, true]);
  expect(tokens.counted.get('keptAlive/ok')).toBe(1);
});

test('a replica that takes the job over begins at once', async () => {
  const one = open();
  world.timers.tick();
  await eventually(() => one.counted.get('nearIdleExpiry/0')).toBe(1);
  await connect('ada');
  const renewals: (() => void)[] = [];
  const every = (period: number, task: () => void) => {
    if (period === 5 * SECOND) renewals.push(task);
    return () => {};
  };
  const other = open({ timers: { every, sleep: async () => {} } });
  const renew = () => {
    for (const task of renewals) task();
  };

  renew();
  await eventually(() => world.stores.leases.acquire('keep_alive', 'third', MINUTE)).toBeUndefined();
  expect(world.redemptions()).toBe(0);
  await one.close();
  await eventually(() => {
    renew();
    return other.counted.get('keptAlive/ok');
  }).toBe(1);
});

test('while Entra does not answer, the other resources are not requested', async () => {
  await connectBoth();
  // Each exchange is repeated once.
  world.sandbox.injectFault({ kind: 'html', count: 10 });

  await runBatch(open());

  const resources = world.sandbox.requests().map(({ scope }) => scope?.includes(OUTLOOK));
  expect(new Set(resources).size).toBe(1);
});

test('a connection that was refreshed since the batch began is not postponed', async () => {
  const ada = await connect('ada');
  const later = clock.now() + 30 * DAY;
  const { grants } = world.stores;
  const lease: typeof grants.lease = async (uid, request) => {
    const held = await grants.lease(uid, request);
    if (request.resource !== '' || held === undefined) return held;
    return { ...held, connection: { ...held.connection, keepAliveTime: later } };
  };
  const tokens = open({ stores: { ...world.stores, grants: { ...grants, lease } } });
  world.sandbox.injectFault({ kind: 'html', count: 10 });

  await runBatch(tokens);

  expect(await nextTime(ada)).toBe(ada.keepAliveTime);
  expect(await grants.lease(ada.uid, { owner: 'other', resource: '', duration: SECOND })).toBeDefined();
});

test('four connections are redeemed at once, and after closing no other', async () => {
  for (let i = 0; i < 6; i++) await connect(`ada${i}`);
  const gate = Promise.withResolvers<void>();
  const admitted: string[] = [];
  const admit: typeof world.authorizationServer.admit = async (request) => {
    admitted.push(request.priority);
    await gate.promise;
    return world.authorizationServer.admit(request);
  };
  const tokens = open({ authorizationServer: { admit } });

  world.timers.tick();
  await eventually(() => admitted.length).toBe(4);
  world.timers.tick();
  const closed = tokens.close();
  gate.resolve();
  await closed;

  expect(admitted).toEqual(Array(4).fill('BACKGROUND'));
});

test('all due connections are redeemed, in batches', async () => {
  for (let i = 0; i < 6; i++) await connect(`ada${i}`);
  const tokens = open();

  world.timers.tick();

  await eventually(() => tokens.counted.get('keptAlive/ok')).toBe(6);
});

test('one replica does the job, and another one takes it over when the first one ends', async () => {
  const [one, other] = [open(), open()];
  world.timers.tick();
  await eventually(() => one.counted.get('nearIdleExpiry/0')).toBe(1);
  world.timers.tick();
  await other.close();
  expect(other.counted.get('nearIdleExpiry/0')).toBeUndefined();

  await one.close();
  const third = open();
  world.timers.tick();
  await eventually(() => third.counted.get('nearIdleExpiry/0')).toBe(1);
});

test('connections near the end of their idle life are counted once an hour', async () => {
  const idleSince = (days: number) => ({ lastRefreshTime: clock.now() - days * DAY, keepAliveTime: clock.now() + DAY });
  await connect('near', idleSince(76));
  await connect('far', idleSince(74));
  const { connections } = world.stores;
  const counts: number[] = [];
  const countNearIdleEnd: typeof connections.countNearIdleEnd = async (...query) => {
    const count = await connections.countNearIdleEnd(...query);
    counts.push(count);
    return count;
  };
  let batches = 0;
  const dueForKeepAlive: typeof connections.dueForKeepAlive = (...query) => {
    batches++;
    return connections.dueForKeepAlive(...query);
  };
  const counted = { ...connections, countNearIdleEnd, dueForKeepAlive };
  const tokens = open({ stores: { ...world.stores, connections: counted } });

  for (const step of [0, HOUR - 1, 1]) {
    clock.advance(step);
    const before = batches;
    await eventually(() => {
      world.timers.tick();
      return batches;
    }).toBeGreaterThan(before);
    await eventually(() => counts.length).toBe(step === 1 ? 2 : 1);
  }
  await tokens.close();
  expect(counts).toEqual([1, 1]);
});

test('a row that cannot be read is tried again after a day', async () => {
  await connect('ada');
  const { connections } = world.stores;
  let isCorrupt = true;
  let batches = 0;
  const dueForKeepAlive: typeof connections.dueForKeepAlive = (...query) => {
    batches++;
    return connections.dueForKeepAlive(...query);
  };
  let reads = 0;
  const findByUid: typeof connections.findByUid = (uid) => {
    reads++;
    return isCorrupt
      ? Promise.reject(new VaultError('RECORD_CORRUPT', 'queued by the test'))
      : connections.findByUid(uid);
  };
  open({ stores: { ...world.stores, connections: { ...connections, findByUid, dueForKeepAlive } } });
  const batch = async () => {
    const before = batches;
    await eventually(() => {
      world.timers.tick();
      return batches;
    }).toBeGreaterThan(before + 1);
  };

  await batch();
  expect(reads).toBe(1);
  isCorrupt = false;
  clock.advance(DAY - 1);
  await batch();
  expect(world.redemptions()).toBe(0);
  clock.advance(1);
  world.timers.tick();
  await eventually(world.redemptions).toBe(1);
});
