import { expect, test } from 'vitest';
import { newUid } from '../../src/model/id_patterns.ts';
import { openTokenWorld } from '../tokens/token_world.ts';

test('opening a long page of connections does not block other work', async () => {
  const world = await openTokenWorld();
  const ada = await world.connect('ada');
  for (let i = 0; i < 200; i += 1) {
    await world.stores.connections.create({ ...ada, uid: newUid(), connectionId: `c-${i}`, grantState: 'PENDING' });
  }
  let turns = 0;
  const count = () => {
    turns += 1;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);

  const { items } = await world.stores.connections.list({ size: 1_000, after: undefined }, { tenantIds: ['acme'] });

  clearImmediate(counting);
  expect(items).toHaveLength(201);
  expect(turns).toBeGreaterThanOrEqual(10);
  await world.close();
});
