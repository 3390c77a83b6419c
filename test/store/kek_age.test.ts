import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import { openTestStores } from './open_test_stores.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('the reported age of a root key is stored while the key is in use', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const [old, young] = [createKek(randomBytes(32)), createKek(randomBytes(32))];
  const keyId = old.id.toString('hex');
  const open = (keks: Keks) => openTestStores({ path, keks, clock: { now: () => 1 } });
  let stores = await open({ current: old });
  await stores.kekReminded(keyId, 365);
  await stores.kekReminded('another', 730);
  await stores.close();

  stores = await open({ current: old });
  expect(await stores.kekAge()).toEqual({ kekId: keyId, since: 1, lastRemindedDays: 365 });
  await stores.close();

  stores = await open({ current: young, previous: old });
  expect((await stores.kekAge()).lastRemindedDays).toBe(365);
  await stores.rootKeys.activate(young.id.toString('hex'), 9);
  expect((await stores.kekAge()).lastRemindedDays).toBeUndefined();
  await stores.close();
});

test('the age of a root key starts when it becomes the active one', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const ageAt = async (time: number, keks: Keks) => {
    const stores = await openTestStores({ path, keks, clock: { now: () => time } });
    if (keks.previous !== undefined) await stores.rootKeys.activate(keks.current.id.toString('hex'), time);
    const age = await stores.kekAge();
    await stores.close();
    return age;
  };
  const old = createKek(randomBytes(32));
  const young = createKek(randomBytes(32));
  const [oldId, youngId] = [old, young].map(({ id }) => id.toString('hex'));

  expect(await ageAt(1, { current: old })).toMatchObject({ kekId: oldId, since: 1 });
  expect(await ageAt(5, { current: old })).toMatchObject({ kekId: oldId, since: 1 });
  expect(await ageAt(7, { current: young, previous: old })).toMatchObject({ kekId: youngId, since: 7 });
  expect(await ageAt(9, { current: young, previous: old })).toMatchObject({ kekId: youngId, since: 7 });
  expect(await ageAt(11, { current: old, previous: young })).toMatchObject({ kekId: oldId, since: 11 });
});
