import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { Priority } from '../../src/entra/authorization_server.ts';
import { silentMetrics } from '../../src/entra/entra_metrics.ts';
import { createPacing, PACING_DEFAULTS, type Pacing, type PacingOptions, type Slot } from '../../src/entra/pacing.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { createMovableClock, type MovableClock } from './fixtures.ts';

let clock: MovableClock;
beforeEach(() => {
  clock = createMovableClock();
});

function pacingWith(options: Partial<PacingOptions> = {}): Pacing {
  return createPacing({ clock, metrics: silentMetrics, options: { ...PACING_DEFAULTS, ...options } });
}

function slot(
  pacing: Pacing,
  request: { app?: string; directory?: string; priority?: Priority; signal?: AbortSignal } = {},
) {
  const { app: appUid = 'app', directory = 'dir', priority = 'FOREGROUND', signal } = request;
  return pacing.acquire({ appUid, directory, priority, signal });
}

const slots = (pacing: Pacing, count: number, request = {}) =>
  Promise.all(Array.from({ length: count }, () => slot(pacing, request)));

const reasonOf = (promise: Promise<Slot>) =>
  promise.then(
    () => 'admitted',
    (error: VaultError) => error.reason,
  );

/** Lets everything that can settle now do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('8 of an app in a directory leave at once, 32 wait, the next is turned away', async () => {
  const pacing = pacingWith();
  const held = await slots(pacing, 8);
  const waiting = Array.from({ length: 32 }, () => slot(pacing));

  await expect(slot(pacing)).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfter: SECOND });

  for (const one of held) one.release();
  expect(await Promise.all(waiting.slice(0, 8))).toHaveLength(8);
});

test('a full directory does not keep another one, or another app, waiting', async () => {
  const pacing = pacingWith();
  await slots(pacing, 8);

  expect(await reasonOf(slot(pacing, { directory: 'other' }))).toBe('admitted');
  expect(await reasonOf(slot(pacing, { app: 'other' }))).toBe('admitted');
});

test('64 leave over all', async () => {
  const pacing = pacingWith();
  const held = await Promise.all(Array.from({ length: 64 }, (_, i) => slot(pacing, { directory: `dir-${i}` })));
  let admitted = false;
  const one = slot(pacing, { directory: 'dir-new' }).then(() => {
    admitted = true;
  });

  await settled();
  expect(admitted).toBe(false);
  held[0]?.release();
  await one;
});

test('who waits for a person comes before refresh-ahead, and that before keep-alive', async () => {
  const pacing = pacingWith({ inFlight: 1 });
  const held = await slot(pacing);
  const order: Priority[] = [];
  const all = (['BACKGROUND', 'REFRESH_AHEAD', 'FOREGROUND', 'BACKGROUND', 'FOREGROUND'] as const).map(
    async (priority) => {
      const mine = await slot(pacing, { priority });
      order.push(priority);
      mine.release();
    },
  );
  held.release();
  await Promise.all(all);

  expect(order).toEqual(['FOREGROUND', 'FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND', 'BACKGROUND']);
});

test('a full line makes room for what is more urgent', async () => {
  const pacing = pacingWith({ inFlight: 1, waiting: 2 });
  const held = await slot(pacing);
  const first = reasonOf(slot(pacing, { priority: 'BACKGROUND' }));
  const second = reasonOf(slot(pacing, { priority: 'BACKGROUND' }));
  const urgent = slot(pacing);

  expect(await second).toBe('OVERLOADED');
  held.release();
  (await urgent).release();
  expect(await first).toBe('admitted');
});

test('the caller’s signal ends the waiting and frees the place', async () => {
  const pacing = pacingWith({ inFlight: 1, waiting: 1 });
  const held = await slot(pacing);
  const abort = new AbortController();
  const waiting = slot(pacing, { signal: abort.signal });
  abort.abort(new Error('gone'));

  await expect(waiting).rejects.toThrow('gone');
  const next = slot(pacing);
  held.release();
  expect(await reasonOf(next)).toBe('admitted');
});

test('a signal that was aborted before gets no slot', async () => {
  await expect(slot(pacingWith(), { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
});

test('a slot released twice counts once', async () => {
  const pacing = pacingWith({ inFlight: 1 });
  const held = await slot(pacing);
  held.release();
  held.release();
  await slot(pacing);
  let admitted = false;
  void slot(pacing).then(() => {
    admitted = true;
  });
  await settled();
  expect(admitted).toBe(false);
});

test('throttling stops the app in that directory alone, those who wait too, until the time is over', async () => {
  const pacing = pacingWith({ inFlight: 1 });
  const held = await slot(pacing);
  const waiting = slot(pacing);
  held.report({ throttledFor: 30 * SECOND });
  held.release();

  await expect(waiting).rejects.toMatchObject({ reason: 'ENTRA_THROTTLED', retryAfter: 30 * SECOND });
  clock.advance(10 * SECOND);
  await expect(slot(pacing)).rejects.toMatchObject({ reason: 'ENTRA_THROTTLED', retryAfter: 20 * SECOND });
  expect(pacing.throttledUntil('app')).toBe(clock.now() + 20 * SECOND);
  expect(await reasonOf(slot(pacing, { directory: 'other' }))).toBe('admitted');
  expect(pacing.throttledUntil('other')).toBeUndefined();

  clock.advance(20 * SECOND);
  expect(await reasonOf(slot(pacing))).toBe('admitted');
  expect(pacing.throttledUntil('app')).toBeUndefined();
});

test('no answer of Entra stops an app for more than an hour, nor does a clock that is set back', async () => {
  const pacing = pacingWith();
  const held = await slot(pacing);
  held.report({ throttledFor: 24 * HOUR });
  held.release();
  expect(pacing.throttledUntil('app')).toBe(clock.now() + HOUR);
  clock.advance(-24 * HOUR);
  expect(await reasonOf(slot(pacing))).toBe('admitted');
});

async function answer(pacing: Pacing, how: 'answered' | 'unanswered' | 'strange') {
  const one = await slot(pacing);
  one.report(how);
  one.release();
}

test('the circuit opens when Entra does not answer, lets one through later, and closes when that one is answered', async () => {
  const pacing = pacingWith();
  for (let i = 0; i < 5; i++) await answer(pacing, 'unanswered');
  await expect(slot(pacing)).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });

  clock.advance(MINUTE);
  const trial = await slot(pacing);
  await expect(slot(pacing)).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });
  trial.report('unanswered');
  trial.release();
  await expect(slot(pacing)).rejects.toMatchObject({ reason: 'ENTRA_UNAVAILABLE' });

  clock.advance(MINUTE);
  await answer(pacing, 'answered');
  expect(await reasonOf(slot(pacing))).toBe('admitted');
});

test('a trial that came to nothing leaves the try to the next one', async () => {
  const pacing = pacingWith();
  for (let i = 0; i < 5; i++) await answer(pacing, 'unanswered');
  clock.advance(MINUTE);
  (await slot(pacing)).release();
  expect(await reasonOf(slot(pacing))).toBe('admitted');
});

test('refusals and strange answers open no circuit', async () => {
  const pacing = pacingWith();
  for (let i = 0; i < 50; i++) await answer(pacing, i % 2 === 0 ? 'answered' : 'strange');
  expect(await reasonOf(slot(pacing))).toBe('admitted');
});

test('after an outage the backlog ramps up: 1, 2, 4, 8', async () => {
  const pacing = pacingWith();
  for (let i = 0; i < 5; i++) await answer(pacing, 'unanswered');
  clock.advance(MINUTE);
  await answer(pacing, 'answered');

  const widths: number[] = [];
  for (let round = 0; round < 4; round++) {
    const held: Slot[] = [];
    const abort = new AbortController();
    const wanted = Array.from({ length: 20 }, () =>
      slot(pacing, { signal: abort.signal }).then((one) => held.push(one)),
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

test('retries are a tenth of the traffic, beyond a few in reserve', async () => {
  const pacing = pacingWith();
  let retries = 0;
  for (let i = 0; i < 200; i++) {
    const one = await slot(pacing);
    if (one.mayRetry()) retries += 1;
    one.report('answered');
    one.release();
  }
  expect(retries).toBeGreaterThanOrEqual(20);
  expect(retries).toBeLessThanOrEqual(25);
});

test('nothing is retried while the circuit is open', async () => {
  const pacing = pacingWith();
  for (let i = 0; i < 4; i++) await answer(pacing, 'unanswered');
  const last = await slot(pacing);
  last.report('unanswered');
  expect(last.mayRetry()).toBe(false);
});

test('whatever the traffic, the bounds hold and nobody is forgotten', async () => {
  const event = fc.record({
    directory: fc.constantFrom('a', 'b', 'c'),
    priority: fc.constantFrom<Priority>('FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND'),
    action: fc.constantFrom('ask', 'ask', 'ask', 'release', 'abort'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 80 }), async (events) => {
      const pacing = pacingWith({ inFlight: 2, waiting: 4, totalInFlight: 4, totalWaiting: 9 });
      const held: { directory: string; slot: Slot }[] = [];
      const aborts: AbortController[] = [];
      const asked: Promise<unknown>[] = [];
      for (const { directory, priority, action } of events) {
        if (action === 'release') held.shift()?.slot.release();
        else if (action === 'abort') aborts.shift()?.abort();
        else {
          const abort = new AbortController();
          aborts.push(abort);
          asked.push(
            slot(pacing, { directory, priority, signal: abort.signal }).then(
              (one) => held.push({ directory, slot: one }),
              () => undefined,
            ),
          );
        }
        await settled();
        expect(held.length).toBeLessThanOrEqual(4);
        for (const name of ['a', 'b', 'c']) {
          expect(held.filter((one) => one.directory === name).length).toBeLessThanOrEqual(2);
        }
      }
      for (let one = held.shift(); one !== undefined; one = held.shift()) {
        one.slot.release();
        await settled();
      }
      await Promise.all(asked);
      expect(await reasonOf(slot(pacing, { directory: 'a' }))).toBe('admitted');
    }),
    { numRuns: 100 },
  );
});
