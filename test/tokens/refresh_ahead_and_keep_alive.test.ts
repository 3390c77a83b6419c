import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { ask, eventually, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

test('keep-alive redeems due connections, and spreads the next time over 30 to 45 days', async () => {
  const ada = await world.connect('ada');
  const bea = await world.connect('bea', {
    user: 'bea@contoso.example',
    changes: { keepAliveTime: world.clock.now() + 40 * DAY },
  });
  world.open();
  world.sandbox.clock.advance(31 * DAY);

  world.timers.tick();
  await eventually(() => world.redemptions()).toBe(1);
  await eventually(async () => (await world.find(ada.uid)).lastRefreshTime).toBeGreaterThan(world.clock.now() - DAY);

  const next = ((await world.find(ada.uid)).keepAliveTime ?? 0) - world.clock.now();
  expect(next).toBeGreaterThan(30 * DAY - MINUTE);
  expect(next).toBeLessThan(45 * DAY + MINUTE);
  expect((await world.find(bea.uid)).lastRefreshTime).toBe(bea.lastRefreshTime);
});

test('keep-alive skips suspended connections', async () => {
  const ada = await world.connect('ada');
  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());
  const tokens = world.open();
  world.sandbox.clock.advance(31 * DAY);

  world.timers.tick();
  await eventually(() => tokens.counted.get('nearIdleExpiry/0')).toBe(1);

  expect(world.redemptions()).toBe(0);
});

test('keep-alive skips connections of a suspended app, and continues', async () => {
  const ada = await world.connect('ada');
  await world.stores.apps.update(world.app, { ...world.app, suspended: true });
  world.open();
  world.sandbox.clock.advance(31 * DAY);

  world.timers.tick();
  await eventually(() => world.stores.connections.dueForKeepAlive(world.clock.now(), 10)).toEqual([]);

  expect(world.redemptions()).toBe(0);
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('a keep-alive that fails is postponed behind the others', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.clock.advance(31 * DAY);
  world.sandbox.injectFault({ kind: 'html', count: 2 });

  world.timers.tick();
  await eventually(() => tokens.counted.get('keptAlive/failed')).toBe(1);
  await eventually(() => world.stores.connections.dueForKeepAlive(world.clock.now(), 10)).toEqual([]);
  world.sandbox.clearFaults();
  world.sandbox.clock.advance(3 * HOUR);
  world.timers.tick();

  await eventually(() => tokens.counted.get('keptAlive/ok')).toBe(1);
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('rows that cannot be read or postponed do not block the others', async () => {
  const broken = new Set<string>();
  for (let i = 0; i < 100; i++) broken.add((await world.connect(`broken${i}`)).uid);
  const ada = await world.connect('ada', { changes: { keepAliveTime: world.clock.now() + 31 * DAY } });
  const corrupt = () => Promise.reject(new VaultError('RECORD_CORRUPT', 'queued by the test'));
  const { connections, grants } = world.stores;
  world.open({
    stores: {
      ...world.stores,
      connections: {
        ...connections,
        findByUid: (uid) => (broken.has(uid) ? corrupt() : connections.findByUid(uid)),
      },
      grants: { ...grants, lease: (uid, request) => (broken.has(uid) ? corrupt() : grants.lease(uid, request)) },
    },
  });
  world.sandbox.clock.advance(32 * DAY);

  await eventually(async () => {
    world.timers.tick();
    return (await world.find(ada.uid)).lastRefreshTime;
  }).toBeGreaterThan(world.clock.now() - DAY);
});

test('a watch returns the current token, then each new one', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const leaving = new AbortController();
  const watch = tokens.watch(ask('ada', { signal: () => leaving.signal }));

  const first = await watch.next();
  const second = watch.next();
  world.sandbox.clock.advance(55 * MINUTE);
  await ticking(second);

  const [one, two] = [first.value as ServedToken, (await second).value as ServedToken];
  expect(two.accessToken).not.toBe(one.accessToken);
  expect(one.accessToken.expireTime - world.clock.now()).toBeGreaterThan(60_000);
  const end = watch.next();
  leaving.abort();
  expect(await end).toEqual({ done: true, value: undefined });
});

test('a suspension ends a watch with its reason', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  const leaving = new AbortController();
  const watch = tokens.watch(ask('ada', { signal: () => leaving.signal }));
  await watch.next();
  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());
  world.changes.announce({ kind: 'connection', uid: ada.uid });

  const end = reasonOf(() => watch.next());
  await ticking(end);

  expect(await end).toBe('CONNECTION_SUSPENDED');
});

async function ticking(work: Promise<unknown>): Promise<void> {
  let over = false;
  work.then(
    () => (over = true),
    () => (over = true),
  );
  while (!over) {
    world.timers.tick();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
