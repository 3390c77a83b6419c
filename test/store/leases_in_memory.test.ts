import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { GRAPH, sampleAccessToken } from '../conformance/sample_rows.ts';
import { present, startVault } from '../conformance/vault_under_test.ts';

function startInMemory() {
  return startVault(async () => {
    const database = openSqlite({ path: ':memory:' });
    const keks = { current: createKek(randomBytes(32)) };
    return { database, stores: await createStores({ database, keks, clock: systemClock }) };
  });
}

test('a lease writes nothing', async () => {
  const { lease, dump } = await startInMemory();
  const before = await dump();

  await lease();

  expect(await dump()).toEqual(before);
});

test('an overdue lease passes on to one of many', async () => {
  const { stores, connection, tryLease } = await startInMemory();
  const slow = present(await stores.grants.lease(connection.uid, { owner: 'slow', resource: GRAPH, duration: -1 }));

  const held = (await Promise.all(Array.from({ length: 20 }, tryLease))).filter((lease) => lease !== undefined);

  expect(held).toHaveLength(1);
  const outcome = { connection, refreshToken: undefined, accessToken: sampleAccessToken() };
  expect(await slow.record(outcome)).toBe('fenced');
  expect(await held[0]?.record(outcome)).toBe('recorded');
});

test('a released lease records nothing, although no other holds it', async () => {
  const { connection, lease, dump } = await startInMemory();
  const held = await lease();
  await held.release();
  const before = await dump();

  expect(await held.record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() })).toBe('fenced');

  expect(await dump()).toEqual(before);
});
