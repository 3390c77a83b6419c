import { expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { reasonOf } from '../conformance/vault_under_test.ts';
import { openRotationWorld, type RotationWorld } from './rotation_setup.ts';

const day = (time: number) => new Date(time).toISOString().slice(0, 10);
const dryRun = (world: RotationWorld) =>
  world.rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: true });
const rotate = (world: RotationWorld) =>
  world.rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: false });
const graphRequests = (world: RotationWorld) =>
  world.sandbox.requests().flatMap(({ operation }) => (operation === undefined ? [] : [operation]));

test('a dry run returns the plan with times, and changes nothing', async () => {
  const world = await openRotationWorld();
  const now = world.sandbox.clock.now();
  const { rotation, plan, blockers, newExpireTime, credentials } = await dryRun(world);
  expect(rotation).toMatchObject({ step: 'ADD', newCredentialUid: undefined, problem: undefined });
  expect(credentials.map(({ uid }) => uid)).toEqual([rotation.oldCredentialUid]);
  expect(blockers).toEqual([]);
  expect(Math.abs(newExpireTime - now - 180 * DAY)).toBeLessThan(MINUTE);
  expect(plan).toHaveLength(4);
  expect(plan[0]).toContain(
    `expires on ${day(newExpireTime)} through Microsoft Graph, and store it as rotated-${day(now)}`,
  );
  expect(plan[1]).toContain('first stays as a fallback');
  expect(plan[3]).toContain(`From ${day(now + DAY + 5 * MINUTE)}`);
  expect(await world.find()).toBeUndefined();
  expect(world.secretsAtEntra()).toHaveLength(1);
  expect(new Set(graphRequests(world))).toEqual(new Set(['getApplication']));
});

test.each([
  ['lacks the permission', { applicationPermissions: [] }, /Application\.ReadWrite\.OwnedBy/],
  ['is suspended', { app: { suspended: true } }, /suspended/],
])('a dry run of an app that %s returns a blocker', async (_, input, expected) => {
  const { blockers } = await dryRun(await openRotationWorld(input));
  expect(blockers.some((one) => expected.test(one))).toBe(true);
});

test('a dry run warns that the old secret stays if its key id is ambiguous', async () => {
  const world = await openRotationWorld({ credential: { entraKeyId: undefined, hint: 'xyz' } });
  const [old] = world.secretsAtEntra();
  world.sandbox.addSecret(world.registration.clientId, {
    value: `${old?.value.slice(0, 3)}8Q~another-one-that-begins-alike`,
    endTime: old?.endTime,
  });
  expect((await dryRun(world)).blockers).toEqual([expect.stringContaining('Remove it in the portal')]);
});

test('returns at once, and the job runs the steps; also for an app without rotation', async () => {
  const world = await openRotationWorld({ app: { rotation: undefined } });
  const { rotation, plan } = await rotate(world);
  expect(graphRequests(world)).toEqual([]);
  expect(await world.find()).toEqual(rotation);
  expect(plan).toHaveLength(4);
  await world.until((now) => now === undefined, HOUR);
  const [secret, ...others] = world.secretsAtEntra();
  expect(others).toEqual([]);
  expect(secret?.displayName).toBe(rotation.marker);
});

test('a rotation in progress is returned with its remaining plan', async () => {
  const world = await openRotationWorld();
  const begun = await rotate(world);
  expect((await rotate(world)).rotation).toEqual(begun.rotation);
  await world.until((rotation) => rotation?.step === 'WATCH');
  const { rotation, plan, newExpireTime, credentials } = await dryRun(world);
  expect(rotation).toEqual(await world.find());
  expect(credentials.map(({ uid }) => uid)).toContain(rotation.newCredentialUid);
  expect(plan).toHaveLength(2);
  expect(newExpireTime).toBe(world.secretsAtEntra()[1]?.endTime);
});

test('a waiting rotation is retried at once', async () => {
  const world = await openRotationWorld({ applicationPermissions: [] });
  await rotate(world);
  await world.sweep.batch();
  world.sandbox.grantApplicationPermission(world.registration.clientId, 'Application.ReadWrite.OwnedBy');
  const dry = await dryRun(world);
  expect(dry.blockers).toEqual([expect.stringMatching(/Application\.ReadWrite\.OwnedBy/)]);
  await world.sweep.batch();
  expect(world.secretsAtEntra()).toHaveLength(1);
  await rotate(world);
  // The token of before does not carry the permission yet.
  world.sandbox.clock.advance(2 * HOUR);
  await world.sweep.batch();
  expect(world.secretsAtEntra()).toHaveLength(2);
});

test('errors name the missing resource or field', async () => {
  const world = await openRotationWorld();
  const asked = (tenantId: string, appId: string) =>
    reasonOf(world.rotations.rotate({ tenantId, appId, validateOnly: true }));
  expect(await asked('nobody', 'default')).toBe('TENANT_NOT_FOUND');
  expect(await asked('acme', 'nothing')).toBe('APP_NOT_FOUND');
  await world.stores.apps.removeCredential(world.app.uid, 'first');
  expect(await asked('acme', 'default')).toBe('CREDENTIAL_NOT_FOUND');
  const homeless = await openRotationWorld({ app: { homeDirectoryId: undefined } });
  expect(await reasonOf(dryRun(homeless))).toBe('APP_MISCONFIGURED');
  expect(await homeless.find()).toBeUndefined();
});
