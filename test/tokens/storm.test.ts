import { afterEach, beforeEach, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
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

test('many connections of an app that fail alike are held, not marked, and answered locally', async () => {
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50173, count: 1000 });

  const reasons = await askAll(tokens);

  expect(reasons.slice(4)).toEqual(Array(4).fill('ENTRA_UNAVAILABLE'));
  // Those that were marked before the storm showed are taken back.
  await eventually(states).toEqual(Array(8).fill('ACTIVE'));
  const asked = world.redemptions();
  expect(await askAll(tokens)).toEqual(Array(8).fill('ENTRA_UNAVAILABLE'));
  expect(world.redemptions()).toBe(asked);
  expect(tokens.counted.get('alert/storm')).toBe(1);
});

test('a probe that succeeds ends the storm', async () => {
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

test('two more like failures mark all', async () => {
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

test('a few dead grants among many healthy ones are marked', async () => {
  for (let i = 8; i < 30; i++) users.push(await world.connect(`user${i}`, { user: `user${i}@contoso.example` }));
  const tokens = world.open();
  for (let i = 8; i < 30; i++) await tokens.get(ask(`user${i}`));
  for (let i = 0; i < 5; i++) world.sandbox.revokeSessions(`user${i}@contoso.example`);

  await askAll(tokens);

  expect(count(await states(), 'REAUTHORIZATION_REQUIRED')).toBe(5);
});
