import { expect, test } from 'vitest';
import { type ChangeWindow, nextOpening, WEEKDAYS } from '../../src/model/change_window.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { LIFE, openRotationWorld, type RotationWorld } from './rotation_setup.ts';

const POLICY = { leadTime: 30 * DAY, secretLife: 180 * DAY };
const hourOf = (time: number) => new Date(time).getUTCHours();
const minuteOf = (time: number) => `${new Date(time).toISOString().slice(0, 16)}Z`;
const rotate = (world: RotationWorld) =>
  world.rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: false });

/** An hour that is closed now. */
function closedNow(weekdays: ChangeWindow['weekdays'] = []) {
  const window = { weekdays, hours: [(hourOf(Date.now()) + 5) % 24], timeZone: 'UTC' };
  return { window, opening: nextOpening(window, Date.now()) };
}

test('a secret is added and removed only within the window of the app', async () => {
  const { window } = closedNow();
  const world = await openRotationWorld({ app: { rotation: { ...POLICY, window } } });
  await world.begin();
  await world.until((rotation) => rotation?.step === 'WATCH', 2 * MINUTE);
  const added = world.secretsAtEntra().at(-1);
  expect([hourOf(added?.startTime ?? 0)]).toEqual(window.hours);
  await world.until((rotation) => rotation?.step === 'REMOVE', HOUR);
  await world.until((rotation) => rotation === undefined, 10 * MINUTE);
  // The clock went on for one step since.
  expect([hourOf(world.sandbox.clock.now() - 10 * MINUTE)]).toEqual(window.hours);
  expect(world.secretsAtEntra()).toEqual([added]);
  expect(await world.exchange()).toBe('granted');
});

test('a requested rotation waits for the window, and its plan says until when', async () => {
  const { window, opening } = closedNow();
  const world = await openRotationWorld({ app: { rotation: { ...POLICY, window } } });
  const { plan } = await rotate(world);
  expect(plan[0]).toContain(`At ${minuteOf(opening)}: add a client secret`);
  expect(plan[3]).toContain(`From ${minuteOf(opening + DAY + 5 * MINUTE)}`);
  for (let minute = 0; minute < 3; minute += 1) await world.sweep.batch();
  expect(world.secretsAtEntra()).toHaveLength(1);
  // At the latest after a day, because the policy of the app may change.
  expect((await world.find())?.nextTime).toBe(opening);
});

test('a secret that expires before the window opens is replaced at once', async () => {
  const yesterday = WEEKDAYS[(new Date().getUTCDay() + 5) % 7] ?? 'SUNDAY';
  const { window } = closedNow([yesterday]);
  const world = await openRotationWorld({ app: { rotation: { ...POLICY, window } } });
  world.sandbox.clock.advance(LIFE - 10 * MINUTE);
  await rotate(world);
  await world.until((rotation) => rotation?.step === 'PROVE');
  expect(world.secretsAtEntra()).toHaveLength(2);
});

test('without a window, the steps follow at once', async () => {
  const world = await openRotationWorld({ app: { rotation: POLICY } });
  const { rotation } = await rotate(world);
  await world.until((now) => now?.step === 'PROVE');
  expect(world.sandbox.clock.now() - rotation.beginTime).toBeLessThan(5 * MINUTE);
});
