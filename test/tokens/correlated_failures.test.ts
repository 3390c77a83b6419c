import { afterEach, beforeEach, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { VaultError } from '../../src/model/errors.ts';
import { ask, eventually, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
let users: Connection[];
beforeEach(async () => {
  world = await openTokenWorld();
  users = [];
  for (let i = 0; i < 8; i++) users.push(await world.connect(`user${i}`, { user: `user${i}@contoso.example` }));
});
afterEach(() => world.close());

async function askAll(tokens: ReturnType<TokenWorld['open']>): Promise<string[]> {
  const reasons: string[] = [];
  for (let i = 0; i < 8; i++) reasons.push(await reasonOf(() => tokens.get(ask(`user${i}`))));
  return reasons;
}

const states = async () => Promise.all(users.map(async ({ uid }) => (await world.find(uid)).grantState));
const count = (words: readonly string[], word: string) => words.filter((one) => one === word).length;

test('equal failures of many connections are deferred, and answered locally', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  const reasons = await askAll(tokens);

  expect(reasons.slice(4)).toEqual(Array(4).fill('ENTRA_UNAVAILABLE'));
  // Failures that were applied before the group was detected are reverted.
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  const asked = world.redemptions();
  expect(await askAll(tokens)).toEqual(Array(8).fill('ENTRA_UNAVAILABLE'));
  expect(world.redemptions()).toBe(asked);
  expect(tokens.counted.get('alert/correlated_failures')).toBe(1);
});

test('a probe that succeeds dissolves the group', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  world.sandbox.clearFaults();

  world.timers.tick();
  const asked = world.redemptions();
  world.sandbox.clock.advance(61 * SECOND);
  world.timers.tick();
  await eventually(() => world.redemptions()).toBe(asked + 1);

  await eventually(() => askAll(tokens)).toEqual(Array(8).fill('OK'));
});

test('two more equal failures apply all', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  const asked = world.redemptions();

  world.sandbox.clock.advance(61 * SECOND);
  world.timers.tick();
  await eventually(() => world.redemptions()).toBe(asked + 1);
  expect(count(await states(), 'ACTIVE')).toBe(8);

  world.sandbox.clock.advance(4 * MINUTE);
  world.timers.tick();

  await eventually(states).toEqual(Array(8).fill('REAUTHORIZATION_REQUIRED'));
  expect(world.redemptions()).toBe(asked + 2);
  expect(await askAll(tokens)).toEqual(Array(8).fill('REAUTHORIZATION_REQUIRED'));
});

test('a few revoked grants among many valid ones are applied', async () => {
  for (let i = 8; i < 30; i++) users.push(await world.connect(`user${i}`, { user: `user${i}@contoso.example` }));
  const tokens = world.open();
  for (let i = 8; i < 30; i++) await tokens.get(ask(`user${i}`));
  for (let i = 0; i < 5; i++) world.sandbox.revokeSessions(`user${i}@contoso.example`);

  await askAll(tokens);

  expect(count(await states(), 'REAUTHORIZATION_REQUIRED')).toBe(5);
});

test('a probe that is refused for its own reason does not keep the others deferred', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  world.sandbox.clearFaults();
  world.sandbox.requirePolicy('user0@contoso.example', { code: 53003 });

  world.sandbox.clock.advance(61 * SECOND);
  world.timers.tick();
  await eventually(async () => (await states())[0]).toBe('BLOCKED');
  world.timers.tick();

  await eventually(() => askAll(tokens)).toEqual(['BLOCKED_BY_POLICY', ...Array(7).fill('OK')]);
});

test('a failure is reverted although the database is unavailable at first', async () => {
  const { grants } = world.stores;
  let failures = 0;
  const tokens = world.open({
    stores: {
      ...world.stores,
      grants: {
        ...grants,
        lease(uid, request) {
          // Reverting leases for no resource.
          if (request.resource === '' && failures++ < 2) {
            return Promise.reject(new VaultError('DATABASE_UNAVAILABLE', 'queued by the test'));
          }
          return grants.lease(uid, request);
        },
      },
    },
  });
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  await askAll(tokens);

  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
});

test('connections that were deleted while deferred delay no other change', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });
  await askAll(tokens);
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  let looks = 0;
  const [gone] = users.splice(1, 1);
  if (gone !== undefined) await world.stores.connections.delete(gone);
  const { lease } = world.stores.grants;
  Object.assign(world.stores.grants, {
    lease(...args: Parameters<typeof lease>) {
      if (args[0] === gone?.uid) looks++;
      return lease(...args);
    },
  });

  for (const wait of [61 * SECOND, 4 * MINUTE]) {
    const asked = world.redemptions();
    world.sandbox.clock.advance(wait);
    await eventually(() => {
      world.timers.tick();
      return world.redemptions();
    }).toBeGreaterThan(asked);
  }

  await eventually(states).toEqual(Array(7).fill('REAUTHORIZATION_REQUIRED'));
  expect(looks).toBeLessThan(5);
});
