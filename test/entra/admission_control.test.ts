import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { type AdmissionControl, createAdmissionControl } from '../../src/entra/admission/admission_control.ts';
import { ADMISSION_DEFAULTS, type AdmissionOptions } from '../../src/entra/admission/admission_options.ts';
import type { Slot } from '../../src/entra/admission/slot.ts';
import type { Priority } from '../../src/entra/entra_client_interface.ts';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { createMovableClock, type MovableClock } from './fixtures.ts';

let clock: MovableClock;
beforeEach(() => {
  clock = createMovableClock();
});

/** Exchanges that found no free slot. */
let waited: string[];
beforeEach(() => {
  waited = [];
});

function pacingWith(options: Partial<AdmissionOptions> = {}): AdmissionControl {
  const metrics = { ...silentMetrics, waited: (kind: string) => void waited.push(kind) };
  return createAdmissionControl({ clock, metrics, options: { ...ADMISSION_DEFAULTS, ...options } });
}

function slot(
  admissionControl: AdmissionControl,
  request: {
    app?: string;
    directory?: string;
    tenant?: string | undefined;
    forcedBy?: string | undefined;
    priority?: Priority;
    signal?: AbortSignal;
  } = {},
) {
  const { app: appUid = 'app', directory = 'dir', priority = 'FOREGROUND', ...others } = request;
  return admissionControl.acquire({ appUid, directory, priority, signal: undefined, ...others });
}

const slots = (admissionControl: AdmissionControl, count: number, request = {}) =>
  Promise.all(Array.from({ length: count }, () => slot(admissionControl, request)));

const reasonOf = (promise: Promise<Slot>) =>
  promise.then(
    () => 'admitted',
    (error: VaultError) => error.reason,
  );

/** Lets all promises settle that can. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('8 exchanges of an app in a directory run at once, 32 wait, the next is rejected', async () => {
  const admissionControl = pacingWith();
  const held = await slots(admissionControl, 8);
  const waiting = Array.from({ length: 32 }, () => slot(admissionControl));

  await expect(slot(admissionControl)).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfter: SECOND });

  for (const one of held) one.release();
  expect(await Promise.all(waiting.slice(0, 8))).toHaveLength(8);
});

test('a full directory does not delay another directory or app', async () => {
  const admissionControl = pacingWith();
  await slots(admissionControl, 8);

  expect(await reasonOf(slot(admissionControl, { directory: 'other' }))).toBe('admitted');
  expect(await reasonOf(slot(admissionControl, { app: 'other' }))).toBe('admitted');
});

test('64 exchanges run at once in total', async () => {
  const admissionControl = pacingWith();
  const held = await Promise.all(Array.from({ length: 64 }, (_, i) => slot(admissionControl, { app: `app-${i}` })));
  let admitted = false;
  const one = slot(admissionControl, { app: 'app-new' }).then(() => {
    admitted = true;
  });

  await settled();
  expect(admitted).toBe(false);
  held[0]?.release();
  await one;
});

test('foreground exchanges are served before refresh-ahead, and those before background', async () => {
  const admissionControl = pacingWith({ inFlight: 1 });
  const held = await slot(admissionControl);
  const order: Priority[] = [];
  const all = (['BACKGROUND', 'REFRESH_AHEAD', 'FOREGROUND', 'BACKGROUND', 'FOREGROUND'] as const).map(
    async (priority) => {
      const mine = await slot(admissionControl, { priority });
      order.push(priority);
      mine.release();
    },
  );
  held.release();
  await Promise.all(all);

  expect(order).toEqual(['FOREGROUND', 'FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND', 'BACKGROUND']);
});

test('a full queue replaces a waiter of a lower priority', async () => {
  const admissionControl = pacingWith({ inFlight: 1, waiting: 2 });
  const held = await slot(admissionControl);
  const first = reasonOf(slot(admissionControl, { priority: 'BACKGROUND' }));
  const second = reasonOf(slot(admissionControl, { priority: 'BACKGROUND' }));
  const urgent = slot(admissionControl);

  expect(await second).toBe('OVERLOADED');
  held.release();
  (await urgent).release();
  expect(await first).toBe('admitted');
});

/** Starts to acquire a slot, without waiting; the outcome so far. */
function ask(admissionControl: AdmissionControl, request: Parameters<typeof slot>[1]) {
  const acquired: { outcome: Slot | VaultError['reason'] | 'waiting' } = { outcome: 'waiting' };
  slot(admissionControl, request).then(
    (one) => {
      acquired.outcome = one;
    },
    (error: VaultError) => {
      acquired.outcome = error.reason;
    },
  );
  return acquired;
}

const times = <Made>(count: number, make: (index: number) => Made) => Array.from({ length: count }, (_, i) => make(i));
const directoryOf = (i: number) => ({ directory: `dir-${i}` });
const countOf = (acquired: readonly ReturnType<typeof ask>[], outcome: string) =>
  acquired.filter((one) => (typeof one.outcome === 'string' ? one.outcome : 'admitted') === outcome).length;

test('a tenant that is busy in all directories leaves exchanges to other tenants', async () => {
  const admissionControl = pacingWith();
  const busy = times(200, (i) => ask(admissionControl, { ...directoryOf(i), tenant: 'busy' }));
  await settled();
  expect([countOf(busy, 'admitted'), countOf(busy, 'waiting')]).toEqual([48, 152]);

  const quiet = times(8, (i) => ask(admissionControl, { ...directoryOf(i), tenant: 'quiet' }));
  await settled();
  expect(countOf(quiet, 'admitted')).toBe(8);
});

test('a tenant uses up neither the 64 exchanges nor the 2,048 waiting places', async () => {
  const admissionControl = pacingWith();
  const busy = times(3_000, (i) => ask(admissionControl, { ...directoryOf(i % 100), tenant: 'busy' }));
  await settled();
  expect([countOf(busy, 'admitted'), countOf(busy, 'waiting')]).toEqual([48, 1_536]);

  const quiet = times(24, (i) => ask(admissionControl, { ...directoryOf(i), tenant: 'quiet' }));
  await settled();
  expect([countOf(quiet, 'admitted'), countOf(quiet, 'waiting')]).toEqual([12, 12]);
});

test('forced exchanges hold no slot of their app and directory that another exchange needs', async () => {
  const admissionControl = pacingWith();
  const flood = times(100, () => ask(admissionControl, { tenant: 'acme', forcedBy: 'flooder' }));
  await settled();
  expect([countOf(flood, 'admitted'), countOf(flood, 'waiting'), countOf(flood, 'OVERLOADED')]).toEqual([4, 32, 64]);

  const others = times(8, () => ask(admissionControl, { tenant: 'acme' }));
  await settled();
  expect(countOf(others, 'admitted')).toBe(8);
  expect(waited).not.toContain('regular');
});

test('forced exchanges in all directories hold none of the 64 slots', async () => {
  const admissionControl = pacingWith();
  const tenants = ['acme', 'beta', 'gamma', 'delta'];
  times(400, (i) => ask(admissionControl, { ...directoryOf(i), tenant: tenants[i % 4], forcedBy: 'flooder' }));
  await settled();

  const others = times(48, (i) => ask(admissionControl, { ...directoryOf(i), tenant: 'acme' }));
  await settled();
  expect(countOf(others, 'admitted')).toBe(48);
  expect(waited).not.toContain('regular');
});

test('a slot that a forced exchange releases serves the callers in turns', async () => {
  const admissionControl = pacingWith();
  const held = await slots(admissionControl, 4, { tenant: 'acme', forcedBy: 'flooder' });
  const flood = times(50, () => ask(admissionControl, { tenant: 'acme', forcedBy: 'flooder' }));
  const quiet = times(8, () => ask(admissionControl, { tenant: 'acme', forcedBy: 'quiet' }));
  await settled();
  expect(countOf(quiet, 'OVERLOADED')).toBe(0);

  for (const one of held) one.release();
  await settled();
  expect([countOf(flood, 'admitted'), countOf(quiet, 'admitted')]).toEqual([2, 2]);
});

test('as many forced exchanges as one caller may have leave waiting places to another caller', async () => {
  const admissionControl = pacingWith();
  const tenants = times(10, (i) => `tenant-${i}`);
  const flood = times(750, (i) => ask(admissionControl, { ...directoryOf(i), tenant: tenants[i % 10], forcedBy: 'a' }));
  const quiet = times(10, (i) => ask(admissionControl, { ...directoryOf(i), tenant: tenants[i % 10], forcedBy: 'b' }));
  await settled();

  expect([countOf(flood, 'OVERLOADED'), countOf(quiet, 'OVERLOADED')]).toEqual([0, 0]);
});

test('throttling stops forced and other exchanges of the app and directory, waiters included', async () => {
  const admissionControl = pacingWith({ inFlight: 1, forced: { ...ADMISSION_DEFAULTS.forced, inFlight: 1 } });
  await slot(admissionControl);
  const held = await slot(admissionControl, { forcedBy: 'mail' });
  const waiting = [undefined, 'mail'].map((forcedBy) => ask(admissionControl, { forcedBy }));
  held.report({ throttledFor: 30 * SECOND });
  await settled();

  expect(countOf(waiting, 'ENTRA_THROTTLED')).toBe(2);
  expect(await reasonOf(slot(admissionControl, { forcedBy: 'mail' }))).toBe('ENTRA_THROTTLED');
});

test('a completed exchange serves a tenant without exchanges before tenants with many', async () => {
  const admissionControl = pacingWith();
  const busy = ['a', 'b', 'c'].map((tenant) => times(64, (i) => ask(admissionControl, { ...directoryOf(i), tenant })));
  await slot(admissionControl, { app: 'other', tenant: 'd' });
  expect(busy.map((acquired) => countOf(acquired, 'admitted'))).toEqual([48, 12, 3]);

  const quiet = ask(admissionControl, { app: 'other', tenant: 'quiet' });
  const ended = busy[0]?.find(({ outcome }) => typeof outcome === 'object')?.outcome as Slot;
  ended.release();
  await settled();
  expect(countOf([quiet], 'admitted')).toBe(1);
});

test('a tenant that fills the waiting places leaves some to other tenants', async () => {
  const admissionControl = pacingWith({ inFlight: 1, totalInFlight: 4, totalWaiting: 100 });
  const held = await Promise.all(times(3, (i) => slot(admissionControl, { ...directoryOf(i), tenant: 'busy' })));
  const busy = times(200, (i) => ask(admissionControl, { ...directoryOf(i % 20), tenant: 'busy' }));
  await settled();
  expect([countOf(busy, 'waiting'), countOf(busy, 'OVERLOADED')]).toEqual([75, 125]);

  const quiet = times(3, () => ask(admissionControl, { directory: 'dir-0', tenant: 'quiet' }));
  await settled();
  expect(countOf(quiet, 'OVERLOADED')).toBe(0);
  for (const one of held) one.release();
  await settled();
  expect(countOf(quiet, 'admitted')).toBe(1);
});

test('if all waiting places are taken, a waiter of a lower priority in any directory is replaced', async () => {
  const admissionControl = pacingWith({ inFlight: 1, totalInFlight: 1, totalWaiting: 3 });
  await slot(admissionControl, { directory: 'held' });
  const ahead = times(2, (i) =>
    ask(admissionControl, { ...directoryOf(i), app: `app-${i}`, priority: 'REFRESH_AHEAD' }),
  );
  const background = ask(admissionControl, { app: 'app-2', priority: 'BACKGROUND' });
  const urgent = times(2, (i) => ask(admissionControl, { app: `urgent-${i}` }));
  await settled();

  expect(countOf([background], 'OVERLOADED')).toBe(1);
  expect([countOf(ahead, 'OVERLOADED'), countOf(urgent, 'waiting')]).toEqual([1, 2]);
});

test('in the bulkhead of a shared app, tenants are served round robin', async () => {
  const admissionControl = pacingWith({ inFlight: 1 });
  const held = await slot(admissionControl, { tenant: 'first' });
  const order: string[] = [];
  const all = [...times(6, () => 'busy'), ...times(2, () => 'quiet'), 'other'].map(async (tenant) => {
    const mine = await slot(admissionControl, { tenant });
    order.push(tenant);
    mine.release();
  });
  held.release();
  await Promise.all(all);

  expect(order.slice(0, 5)).toEqual(['busy', 'quiet', 'other', 'busy', 'quiet']);
});

test('a tenant that fills the queue of a shared app yields half of it to another tenant', async () => {
  const admissionControl = pacingWith({ inFlight: 1, waiting: 8 });
  await slot(admissionControl, { tenant: 'busy' });
  const busy = times(8, () => ask(admissionControl, { tenant: 'busy' }));
  await settled();
  expect(countOf(busy, 'waiting')).toBe(8);

  const quiet = times(8, () => ask(admissionControl, { tenant: 'quiet' }));
  await settled();
  expect([countOf(busy, 'waiting'), countOf(quiet, 'waiting')]).toEqual([4, 4]);
  expect(busy.map(({ outcome }) => outcome).slice(0, 4)).toEqual(times(4, () => 'waiting'));
});

test('a tenant has at most half of a queue while another tenant waits, even if places are free', async () => {
  const admissionControl = pacingWith({ inFlight: 1, waiting: 8 });
  await slot(admissionControl, { tenant: 'busy' });
  ask(admissionControl, { tenant: 'quiet' });
  const busy = times(8, () => ask(admissionControl, { tenant: 'busy' }));
  await settled();

  expect([countOf(busy, 'waiting'), countOf(busy, 'OVERLOADED')]).toEqual([4, 4]);
});

test('background work of one tenant does not replace foreground work of another', async () => {
  const admissionControl = pacingWith({ inFlight: 1, waiting: 8 });
  await slot(admissionControl, { tenant: 'busy' });
  const busy = times(8, () => ask(admissionControl, { tenant: 'busy' }));
  const background = ask(admissionControl, { tenant: 'quiet', priority: 'BACKGROUND' });
  await settled();

  expect([countOf(busy, 'waiting'), countOf([background], 'OVERLOADED')]).toEqual([8, 1]);
});

test('the number of bulkheads is bounded, and the longest idle one is removed', async () => {
  const admissionControl = pacingWith({
    bulkheads: 4,
    circuit: { ...ADMISSION_DEFAULTS.circuit, minimumCalls: 1, size: 1 },
  });
  const stop = async (app: string) => {
    const one = await slot(admissionControl, { app });
    one.report({ throttledFor: HOUR });
    one.release();
  };
  await stop('throttled');
  const busy = await slot(admissionControl, { app: 'busy' });
  for (let i = 0; i < 1000; i++) (await slot(admissionControl, directoryOf(i))).release();

  // Bulkheads in use, and throttled ones, are not replaced by new directories.
  expect(await reasonOf(slot(admissionControl, { app: 'throttled' }))).toBe('ENTRA_THROTTLED');
  expect(admissionControl.throttledUntil('throttled')).toBe(clock.now() + HOUR);
  busy.release();

  for (let i = 0; i < 1000; i++) await stop(`app-${i}`);
  expect(admissionControl.throttledUntil('throttled')).toBeUndefined();
  expect(admissionControl.throttledUntil('app-999')).toBe(clock.now() + HOUR);
});

test('a bulkhead with forced exchanges alone is in use', async () => {
  const admissionControl = pacingWith({ bulkheads: 1 });
  const held = await slot(admissionControl, { ...directoryOf(0), forcedBy: 'mail' });

  expect(await reasonOf(slot(admissionControl, directoryOf(1)))).toBe('OVERLOADED');
  held.release();
  expect(await reasonOf(slot(admissionControl, directoryOf(1)))).toBe('admitted');
});

test('a full table of bulkheads in use rejects new directories and serves known ones', async () => {
  const admissionControl = pacingWith({ bulkheads: 2 });
  const held = await slots(admissionControl, 1, directoryOf(0));
  await slots(admissionControl, 1, directoryOf(1));

  expect(await reasonOf(slot(admissionControl, directoryOf(2)))).toBe('OVERLOADED');
  expect(await reasonOf(slot(admissionControl, directoryOf(1)))).toBe('admitted');
  held[0]?.release();
  expect(await reasonOf(slot(admissionControl, directoryOf(2)))).toBe('admitted');
});

/** Each bulkhead that is checked reads the clock. */
function countClockReads(): () => number {
  const { now } = clock;
  let reads = 0;
  clock.now = () => {
    reads += 1;
    return now();
  };
  return () => reads;
}

test('a new directory costs the same after 12,000 others', async () => {
  const admissionControl = pacingWith();
  for (let i = 0; i < 12_000; i++) (await slot(admissionControl, directoryOf(i))).release();

  const reads = countClockReads();
  (await slot(admissionControl, { directory: 'new' })).release();
  expect(reads()).toBeLessThan(30);
  admissionControl.throttledUntil('app');
  expect(reads()).toBeLessThan(40);
});

test('a released slot costs the same, however many directories of a tenant wait', async () => {
  const admissionControl = pacingWith({ totalInFlight: 4 });
  const held = await Promise.all(times(3, (i) => slot(admissionControl, { ...directoryOf(i), tenant: 'busy' })));
  times(1_500, (i) => ask(admissionControl, { ...directoryOf(i), tenant: 'busy' }));
  await settled();

  const reads = countClockReads();
  held[0]?.release();
  expect(reads()).toBeLessThan(40);
  const quiet = ask(admissionControl, { directory: 'dir-9', tenant: 'quiet' });
  await settled();
  expect(countOf([quiet], 'admitted')).toBe(1);
  expect(reads()).toBeLessThan(80);
});

test('the caller’s signal ends the wait and frees the place', async () => {
  const admissionControl = pacingWith({ inFlight: 1, waiting: 1 });
  const held = await slot(admissionControl);
  const abort = new AbortController();
  const waiting = slot(admissionControl, { signal: abort.signal });
  abort.abort(new Error('gone'));

  await expect(waiting).rejects.toThrow('gone');
  const next = slot(admissionControl);
  held.release();
  expect(await reasonOf(next)).toBe('admitted');
});

test('a signal that is already aborted gets no slot', async () => {
  await expect(slot(pacingWith(), { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
});

test('a slot released twice counts once', async () => {
  const admissionControl = pacingWith({ inFlight: 1 });
  const held = await slot(admissionControl);
  held.release();
  held.release();
  await slot(admissionControl);
  let admitted = false;
  void slot(admissionControl).then(() => {
    admitted = true;
  });
  await settled();
  expect(admitted).toBe(false);
});

test('throttling stops the app in that directory only, waiters included, until Retry-After', async () => {
  const admissionControl = pacingWith({ inFlight: 1 });
  const held = await slot(admissionControl);
  const waiting = slot(admissionControl);
  held.report({ throttledFor: 30 * SECOND });
  held.release();

  await expect(waiting).rejects.toMatchObject({ reason: 'ENTRA_THROTTLED', retryAfter: 30 * SECOND });
  clock.advance(10 * SECOND);
  await expect(slot(admissionControl)).rejects.toMatchObject({ reason: 'ENTRA_THROTTLED', retryAfter: 20 * SECOND });
  expect(admissionControl.throttledUntil('app')).toBe(clock.now() + 20 * SECOND);
  expect(await reasonOf(slot(admissionControl, { directory: 'other' }))).toBe('admitted');
  expect(admissionControl.throttledUntil('other')).toBeUndefined();

  clock.advance(20 * SECOND);
  expect(await reasonOf(slot(admissionControl))).toBe('admitted');
  expect(admissionControl.throttledUntil('app')).toBeUndefined();
});

test('no Retry-After and no clock that is set back stops an app for more than an hour', async () => {
  const admissionControl = pacingWith();
  const held = await slot(admissionControl);
  held.report({ throttledFor: 24 * HOUR });
  held.release();
  expect(admissionControl.throttledUntil('app')).toBe(clock.now() + HOUR);
  clock.advance(-24 * HOUR);
  expect(await reasonOf(slot(admissionControl))).toBe('admitted');
});

async function answer(admissionControl: AdmissionControl, how: 'answered' | 'unanswered' | 'unrecognized') {
  const one = await slot(admissionControl);
  one.report(how);
  one.release();
}

test('the circuit opens without responses, sends a half-open probe, and closes when it is answered', async () => {
  const admissionControl = pacingWith();
  for (let i = 0; i < 5; i++) await answer(admissionControl, 'unanswered');
  await expect(slot(admissionControl)).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });

  clock.advance(MINUTE);
  const trial = await slot(admissionControl);
  await expect(slot(admissionControl)).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });
  trial.report('unanswered');
  trial.release();
  await expect(slot(admissionControl)).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });

  clock.advance(MINUTE);
  await answer(admissionControl, 'answered');
  expect(await reasonOf(slot(admissionControl))).toBe('admitted');
});

test('an abandoned half-open probe leaves the probe to the next exchange', async () => {
  const admissionControl = pacingWith();
  for (let i = 0; i < 5; i++) await answer(admissionControl, 'unanswered');
  clock.advance(MINUTE);
  (await slot(admissionControl)).release();
  expect(await reasonOf(slot(admissionControl))).toBe('admitted');
});

test('refusals and unrecognized responses do not open the circuit', async () => {
  const admissionControl = pacingWith();
  for (let i = 0; i < 50; i++) await answer(admissionControl, i % 2 === 0 ? 'answered' : 'unrecognized');
  expect(await reasonOf(slot(admissionControl))).toBe('admitted');
});

test('after an outage the slow start allows 1, 2, 4, then 8 exchanges', async () => {
  const admissionControl = pacingWith();
  for (let i = 0; i < 5; i++) await answer(admissionControl, 'unanswered');
  clock.advance(MINUTE);
  await answer(admissionControl, 'answered');

  const widths: number[] = [];
  for (let round = 0; round < 4; round++) {
    const held: Slot[] = [];
    const abort = new AbortController();
    const wanted = Array.from({ length: 20 }, () =>
      slot(admissionControl, { signal: abort.signal }).then((one) => held.push(one)),
    );
    const done = Promise.allSettled(wanted);
    await settled();
    widths.push(held.length);
    abort.abort();
    await done;
    for (const one of held) one.report('answered');
    for (const one of held) one.release();
  }
  expect(widths).toEqual([2, 4, 8, 8]);
});

test('retries are limited to a tenth of the traffic, plus a small reserve', async () => {
  const admissionControl = pacingWith();
  let retries = 0;
  for (let i = 0; i < 200; i++) {
    const one = await slot(admissionControl);
    if (one.mayRetry()) retries += 1;
    one.report('answered');
    one.release();
  }
  expect(retries).toBeGreaterThanOrEqual(20);
  expect(retries).toBeLessThanOrEqual(25);
});

test('nothing is retried while the circuit is open', async () => {
  const admissionControl = pacingWith();
  for (let i = 0; i < 4; i++) await answer(admissionControl, 'unanswered');
  const last = await slot(admissionControl);
  last.report('unanswered');
  expect(last.mayRetry()).toBe(false);
});

test('under any traffic the limits hold and every waiter is served or rejected', async () => {
  const event = fc.record({
    directory: fc.constantFrom('a', 'b', 'c'),
    tenant: fc.constantFrom('first', 'second', 'third'),
    forcedBy: fc.constantFrom(undefined, undefined, 'mail', 'crm'),
    priority: fc.constantFrom<Priority>('FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND'),
    action: fc.constantFrom('ask', 'ask', 'ask', 'release', 'abort'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 80 }), async (events) => {
      const forced = { inFlight: 1, waiting: 3, totalInFlight: 2, totalWaiting: 5 };
      const admissionControl = pacingWith({ inFlight: 2, waiting: 4, totalInFlight: 4, totalWaiting: 9, forced });
      const held: { directory: string; slot: Slot; forcedBy: string | undefined }[] = [];
      const heldOf = (isForced: boolean) => held.filter(({ forcedBy }) => (forcedBy !== undefined) === isForced);
      const aborts: AbortController[] = [];
      const acquired: Promise<unknown>[] = [];
      for (const { directory, tenant, forcedBy, priority, action } of events) {
        if (action === 'release') held.shift()?.slot.release();
        else if (action === 'abort') aborts.shift()?.abort();
        else {
          const abort = new AbortController();
          aborts.push(abort);
          acquired.push(
            slot(admissionControl, { directory, tenant, forcedBy, priority, signal: abort.signal }).then(
              (one) => held.push({ directory, slot: one, forcedBy }),
              () => undefined,
            ),
          );
        }
        await settled();
        expect(heldOf(false).length).toBeLessThanOrEqual(4);
        expect(heldOf(true).length).toBeLessThanOrEqual(2);
        for (const name of ['a', 'b', 'c']) {
          expect(heldOf(false).filter((one) => one.directory === name).length).toBeLessThanOrEqual(2);
          expect(heldOf(true).filter((one) => one.directory === name).length).toBeLessThanOrEqual(1);
        }
      }
      for (let one = held.shift(); one !== undefined; one = held.shift()) {
        one.slot.release();
        await settled();
      }
      await Promise.all(acquired);
      expect(await reasonOf(slot(admissionControl, { directory: 'a' }))).toBe('admitted');
    }),
    { numRuns: 100 },
  );
});
