import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/kek.ts';
import type { Keks } from '../../src/keyring/key_source.ts';
import { openTestStores } from './open_test_stores.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('the root key is as old as the database has known it, until another takes its place', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const ageAt = async (time: number, keks: Keks) => {
    const stores = await openTestStores({ path, keks, clock: { now: () => time } });
    const age = await stores.kekAge();
    await stores.close();
    return age;
  };
  const old = createKek(randomBytes(32));
  const young = createKek(randomBytes(32));
  const [oldId, youngId] = [old, young].map(({ id }) => id.toString('hex'));

  expect(await ageAt(1, { current: old })).toEqual({ kekId: oldId, since: 1 });
  expect(await ageAt(5, { current: old })).toEqual({ kekId: oldId, since: 1 });
  expect(await ageAt(7, { current: young, previous: old })).toEqual({ kekId: youngId, since: 7 });
  expect(await ageAt(9, { current: young, previous: old })).toEqual({ kekId: youngId, since: 7 });
  expect(await ageAt(11, { current: old, previous: young })).toEqual({ kekId: oldId, since: 11 });
});
