import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, GRAPH, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

test('while the change feed is behind, a hit reads the database', async () => {
  const ada = await world.connect('ada');
  const feed = { behind: true, stale: false };
  const tokens = world.open({ feed });
  await tokens.get(ask('ada'));

  // Another replica suspended it, and the change has not arrived.
  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONNECTION_SUSPENDED');
});

test('while the change feed is behind, a token of a grant that was replaced is not served', async () => {
  const ada = await world.connect('ada');
  const feed = { behind: false, stale: false };
  const tokens = world.open({ feed });
  const { accessToken: old } = await tokens.get(ask('ada'));
  feed.behind = true;
  expect((await tokens.get(ask('ada'))).accessToken.token).toBe(old.token);

  const before = await world.find(ada.uid);
  const held = await world.stores.grants.lease(ada.uid, { owner: 'x', resource: GRAPH, duration: 1_000 });
  if (before === undefined || held?.refreshToken === undefined) throw new Error('gone');
  await world.stores.connections.replaceGrant(before, before, held.refreshToken);

  expect(await tokens.get(ask('ada'))).toMatchObject({ source: 'ENTRA' });
});

test('while the change feed is behind, a database that does not answer delays a hit by two seconds at most', async () => {
  await world.connect('ada');
  const feed = { behind: false, stale: false };
  const waits: number[] = [];
  const timers = { every: () => () => {}, sleep: async (duration: number) => void waits.push(duration) };
  let hangs = false;
  const { tenants } = world.stores;
  const find: typeof tenants.find = (tenantId) => (hangs ? new Promise(() => {}) : tenants.find(tenantId));
  const tokens = world.open({ feed, timers, stores: { ...world.stores, tenants: { ...tenants, find } } });
  await tokens.get(ask('ada'));

  feed.behind = true;
  hangs = true;

  expect(await tokens.get(ask('ada'))).toMatchObject({ source: 'CACHE' });
  expect(waits).toEqual([2_000]);
});

test('after missed changes nothing in memory is used', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());
  expect(await tokens.get(ask('ada'))).toMatchObject({ source: 'CACHE' });

  world.changes.reset();

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONNECTION_SUSPENDED');
});
