import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

test('a refresh of a connection that was deleted before its lease fails at once', async () => {
  const ada = await world.connect('ada');
  const bob = await world.connect('bob', { user: 'bob@contoso.example' });
  const tokens = world.open();
  await tokens.get(ask('ada', { scopes: ['Mail.ReadOnly'] }));

  // As another process does: the change is not announced here.
  await world.stores.connections.delete(ada);
  world.sandbox.clock.advance(2 * 3_600_000);

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONNECTION_NOT_FOUND');
  expect((await tokens.get(ask('bob'))).connectionUid).toBe(bob.uid);
});
