import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createJobLease } from '../../src/background/job_lease.ts';
import { startScheduler } from '../../src/background/scheduler.ts';
import { MINUTE } from '../../src/model/clock.ts';
import type { LeaseStore } from '../../src/store/background_store_interfaces.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { openWatchWorld, type WatchWorld } from '../expiry/expiry_setup.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';

let world: WatchWorld;
beforeEach(async () => {
  world = await openWatchWorld();
});

const expire = () => world.damage('leases', { until: 0 });

test('a lease lasts less than half a minute by the clock of the database', async () => {
  const durations: number[] = [];
  const leases: Pick<LeaseStore, 'acquire' | 'release'> = {
    acquire: async (name, owner, duration) => {
      durations.push(duration);
      return { name, owner, epoch: 1 };
    },
    release: async () => {},
  };
  await createJobLease(leases, 'job', 'a').acquire();
  expect(Math.max(...durations)).toBeLessThan(MINUTE / 2);
});

test('a lease that was renewed lately is held without asking the database', async () => {
  let asked = 0;
  const acquire: LeaseStore['acquire'] = (...request) => {
    asked += 1;
    return world.stores.leases.acquire(...request);
  };
  const lease = createJobLease({ ...world.stores.leases, acquire }, 'job', 'a');

  expect(await lease.hold()).toEqual({ name: 'job', owner: 'a', epoch: 1 });
  expect(await lease.hold()).toEqual({ name: 'job', owner: 'a', epoch: 1 });
  expect(asked).toBe(1);
  expect(lease.isHeldFor(20_000)).toBe(true);
});

test('only one process takes over the lease of a dead one', async () => {
  const [dead, one, other] = ['dead', 'one', 'other'].map((id) => createJobLease(world.stores.leases, 'job', id));
  expect(await dead?.takeOver()).toBe(true);
  expect([await one?.takeOver(), await other?.takeOver()]).toEqual([false, false]);
  await expire();

  expect([await one?.takeOver(), await other?.takeOver()]).toEqual([true, false]);
  expect(await one?.takeOver()).toBe(false);
  expect(await dead?.takeOver()).toBe(false);
  expect(dead?.isHeldFor(0)).toBe(false);
});

test('a stopped lease is neither held nor acquired', async () => {
  const lease = createJobLease(world.stores.leases, 'job', 'a');
  await lease.acquire();

  lease.stop();

  expect(lease.isHeldFor(0)).toBe(false);
  expect(await lease.hold()).toBeUndefined();
});

test('the jobs of a dead replica run as soon as another one takes its lease over', async () => {
  const runs: string[] = [];
  const start = (replica: string) => {
    const timers = createManualTimers();
    const job = {
      async batch() {
        runs.push(replica);
        return false;
      },
    };
    const parts = { leases: world.stores.leases, log: silentLog, jobs: [job], remoteJobs: [] };
    // Its hourly and minutely work does not happen by itself here: only leases are renewed.
    const every = (period: number, task: () => void) => (period < MINUTE ? timers.every(period, task) : () => {});
    const scheduler = startScheduler({ ...parts, every, replica, localJob: async () => {} });
    onTestFinished(() => scheduler.close());
    return { scheduler, timers };
  };
  const first = start('first');
  await first.scheduler.runOnce();
  const second = start('second');
  await second.scheduler.runOnce();
  expect(runs).toEqual(['first']);

  await expire();
  second.timers.beat();

  await expect.poll(() => runs).toEqual(['first', 'second']);
});

test('a job whose lease was lost stops at its next batch', async () => {
  const runs: string[] = [];
  const { promise: firstBatch, resolve } = Promise.withResolvers<void>();
  const job = {
    async batch() {
      runs.push('batch');
      await firstBatch;
      return true;
    },
  };
  const { leases } = world.stores;
  const timers = createManualTimers();
  const every = (period: number, task: () => void) => (period < MINUTE ? timers.every(period, task) : () => {});
  const common = { leases, every, log: silentLog, remoteJobs: [], localJob: async () => {} };
  const scheduler = startScheduler({ ...common, replica: 'slow', jobs: [job] });
  onTestFinished(() => scheduler.close());
  await expect.poll(() => runs).toHaveLength(1);

  await expire();
  await leases.acquire('background_jobs', 'other', MINUTE);
  // The renewal during the batch finds that it is lost.
  timers.beat();
  await expect.poll(async () => (await leases.acquire('background_jobs', 'slow', MINUTE)) === undefined).toBe(true);
  resolve();
  await scheduler.runOnce();

  expect(runs).toHaveLength(1);
});
