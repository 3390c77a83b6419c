import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { markRestored } from '../../src/store/vault/mark_restored.ts';
import { openRotationWorld, type Replica, type RotationWorld } from '../credential_lifecycle/rotation_setup.ts';
import { backUp } from '../store/back_up.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

/** A vault on a copy of the database, like a restored backup next to its original. */
async function openCopy(world: RotationWorld, file: string): Promise<Replica> {
  const { clock } = world.sandbox;
  const stores = await openTestStores({ clock, path: file, keks: world.keks });
  onTestFinished(() => stores.close());
  return world.replica({}, stores);
}

/** Runs until the rotation completes. */
async function finish(world: RotationWorld, { stores, sweep }: Replica): Promise<void> {
  for (let count = 0; (await stores.rotations.find(world.app.uid)) !== undefined; count += 1) {
    if (count === 200) throw new Error('it never ended');
    await sweep.batch();
    world.sandbox.clock.advance(count < 20 ? MINUTE : HOUR);
  }
}

const keyIds = (world: RotationWorld) => world.secretsAtEntra().map(({ keyId }) => keyId);

test('a copy of a database in ADD keeps the new secret of its original, and adds its own', async () => {
  const world = await openRotationWorld();
  await world.begin();
  const copy = await openCopy(world, await backUp(world.path, join(temporaryFolder(), 'vault.db')));
  await world.sweep.batch();
  const [, added] = keyIds(world);

  await finish(world, copy);

  expect(keyIds(world)).toContain(added);
  await finish(world, world);
  const { rotated } = await newest(world);
  expect([rotated?.entraKeyId, rotated?.verdict]).toEqual([added, 'VALID']);
  expect(await world.exchange()).toBe('granted');
});

test('a database that was marked as restored keeps the new secret of its original', async () => {
  const world = await openRotationWorld();
  await world.begin();
  const file = await backUp(world.path, join(temporaryFolder(), 'vault.db'));
  const database = await openDatabase({ url: `sqlite:${file}` });
  const { after } = await markRestored(database, world.sandbox.clock.now());
  await database.close();
  const copy = await openCopy(world, file);
  // Not recognized by its file: the mark has recorded it.
  expect(copy.stores.instance).toMatchObject(after);
  await world.sweep.batch();
  const [shared, added] = keyIds(world);

  await finish(world, copy);

  expect(keyIds(world)).toEqual(expect.arrayContaining([shared, added]));
});

test('an original in ADD keeps the new secret of its copy', async () => {
  const world = await openRotationWorld();
  await world.begin();
  const copy = await openCopy(world, await backUp(world.path, join(temporaryFolder(), 'vault.db')));
  await copy.sweep.batch();
  const [, added] = keyIds(world);

  await finish(world, world);

  expect(keyIds(world)).toContain(added);
});

test('a copy keeps the secret that it shares with its original at Entra, and reports it', async () => {
  const world = await openRotationWorld();
  await world.begin();
  const [shared] = keyIds(world);
  const copy = await openCopy(world, await backUp(world.path, join(temporaryFolder(), 'vault.db')));

  await finish(world, copy);

  expect(keyIds(world)).toContain(shared);
  expect(await world.exchange()).toBe('granted');
  const published = (await copy.stores.outbox.read(0, 100)).map(({ event }) => event);
  expect(published).toContainEqual(
    expect.objectContaining({
      type: 'credential.rotation_failed',
      data: expect.objectContaining({ problem: 'IN_USE' }),
    }),
  );
});

test('a copy removes a secret that it added itself, once it is the old one', async () => {
  const world = await openRotationWorld({ app: { rotation: { leadTime: 30 * DAY, secretLife: 40 * DAY } } });
  await world.begin();
  const copy = await openCopy(world, await backUp(world.path, join(temporaryFolder(), 'vault.db')));
  await finish(world, copy);
  const [, own] = keyIds(world);
  world.sandbox.clock.advance(11 * DAY);
  const app = await copy.stores.apps.findByUid(world.app.uid);
  if (app === undefined) throw new Error('gone');

  await copy.rotations.startIfDue(app, await copy.stores.apps.credentials(app.uid));
  await finish(world, copy);

  expect(keyIds(world)).not.toContain(own);
});

test('a database that is reopened, or restored in place, is not a copy', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const world = await openRotationWorld();
  const open = () => openTestStores({ clock: world.sandbox.clock, path, keks: world.keks });
  const first = await open();
  await first.close();
  const again = await open();
  expect(again.instance.copyTime).toBe(0);
  await again.close();

  // A backup that replaces the file: no other vault can use that file.
  const backup = await backUp(path);
  copyFileSync(backup, path);
  const restored = await open();
  expect(restored.instance.copyTime).toBe(0);
  await restored.close();

  renameSync(backup, path);
  const moved = await open();
  expect(moved.instance.copyTime).toBeGreaterThan(0);
  await moved.close();
});

async function newest(world: RotationWorld) {
  const credentials = Object.values(await world.credentials());
  return { rotated: credentials.find(({ credentialId }) => credentialId.startsWith('rotated-')) };
}
