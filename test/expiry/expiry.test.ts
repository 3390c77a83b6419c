import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createExpiry, type EventCursor, type EventFilter } from '../../src/expiry/expiry_and_event_queries.ts';
import type { StreamedEvent } from '../../src/expiry/stream_outbox_events.ts';
import { DAY, SECOND } from '../../src/model/clock.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';
import { openTestStores } from '../store/open_test_stores.ts';

const NOW = Date.UTC(2026, 10, 22);
const ALL: EventFilter = { tenantId: undefined, tenantIds: undefined, types: new Set(['vault.credential_expiring']) };

let stores: Stores;
let stopping: AbortController;
let timers: ReturnType<typeof createManualTimers>;
let periods: number[];
beforeEach(async () => {
  stores = await openTestStores({ clock: { now: () => NOW } });
  stopping = new AbortController();
  timers = createManualTimers();
  periods = [];
});
afterEach(async () => {
  stopping.abort();
  await stores.close();
});

function openExpiry(sinkIds: readonly string[] = []) {
  return createExpiry({
    stores,
    clock: { now: () => NOW },
    every(period, task) {
      periods.push(period);
      return timers.every(period, task);
    },
    sinkIds: () => sinkIds,
  });
}

function eventOf(name: string, tenantId = ''): VaultEvent {
  return {
    uid: newUid(),
    dedupeKey: name,
    type: 'vault.credential_expiring',
    severity: 'WARNING',
    tenantUid: tenantId,
    tenantId,
    subject: name,
    time: NOW,
    data: { kind: 'API_KEY', expireTime: NOW + DAY, thresholdDays: 1 },
  };
}

async function tell(...names: string[]): Promise<void> {
  for (const name of names) await stores.expiry.publish(eventOf(name));
}

function follow(after: EventCursor, filter: EventFilter = ALL) {
  return openExpiry().events(after, filter, stopping.signal);
}

/** The next events of the stream. */
async function next(stream: AsyncGenerator<StreamedEvent>, count: number): Promise<StreamedEvent[]> {
  const published: StreamedEvent[] = [];
  while (published.length < count) {
    const { value, done } = await stream.next();
    if (done === true) break;
    published.push(value);
  }
  return published;
}

/** The next message, after this many reads. */
async function afterReads(stream: AsyncGenerator<StreamedEvent>, reads: number): Promise<StreamedEvent | undefined> {
  let answer: StreamedEvent | undefined;
  const waiting = stream.next().then(({ value }) => {
    answer = value as StreamedEvent;
  });
  for (let look = 0; look < reads; look += 1) {
    expect(answer, `after ${look} reads`).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    timers.beat();
  }
  await waiting;
  return answer;
}

const subjectsOf = (published: readonly StreamedEvent[]) => published.map(({ event }) => event?.subject);

describe('the stream of events', () => {
  test('begins with its cursor, so that an interrupted reader can continue', async () => {
    await tell('a', 'b');

    const [beginning] = await next(follow('now'), 1);

    expect(beginning).toEqual({ event: undefined, cursor: await stores.outbox.last() });
  });

  test('sends an event within a second', async () => {
    const stream = follow('now');
    await next(stream, 1);
    const waiting = stream.next();
    await new Promise((resolve) => setImmediate(resolve));
    await tell('a');
    timers.beat();
    expect((await waiting).value).toMatchObject({ event: { subject: 'a' } });
    expect(periods).toEqual([SECOND]);
  });

  test('sends all past events in order, without waiting', async () => {
    const names = Array.from({ length: 1_203 }, (_, at) => `event-${at}`);
    await tell(...names);

    const published = await next(follow(0), names.length + 1);

    expect(subjectsOf(published).slice(1)).toEqual(names);
    expect(periods).toEqual([]);
  });

  test('moves the cursor past filtered events once it has all, then every ten reads', async () => {
    await tell('a', 'b');
    const stream = follow(0, { ...ALL, types: new Set(['credential.expired']) });

    const [, past] = await next(stream, 2);
    expect(past).toEqual({ event: undefined, cursor: await stores.outbox.last() });
    expect(periods).toEqual([]);

    await tell('c');
    const answer = await afterReads(stream, 10);
    expect(answer).toEqual({ event: undefined, cursor: (past?.cursor ?? 0) + 1 });
  });

  test("sends the vault's own events only to callers who may see all tenants", async () => {
    await tell('own');
    await stores.expiry.publish(eventOf('of acme', 'acme'));

    const some = await next(follow(0, { ...ALL, tenantIds: ['acme'] }), 2);
    const all = await next(follow(0), 3);

    expect(subjectsOf(some)).toEqual([undefined, 'of acme']);
    expect(subjectsOf(all)).toEqual([undefined, 'own', 'of acme']);
  });

  test('continues with the oldest event if the cursor is too old', async () => {
    await tell('gone', 'kept');
    await stores.outbox.sweep(NOW + 1, 1);

    expect(subjectsOf(await next(follow(0), 2))).toEqual([undefined, 'kept']);
  });

  test('sends new events although the cursor is ahead of a restored database', async () => {
    await tell('a');
    const stream = follow(5_000);
    await next(stream, 1);
    await tell('b');
    expect(subjectsOf(await next(stream, 1))).toEqual(['b']);
  });

  test('ends while it waits when the reader stops', async () => {
    const stream = follow('now');
    await next(stream, 1);
    const waiting = stream.next();
    await new Promise((resolve) => setImmediate(resolve));
    stopping.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  test('ends between past events when the reader stops', async () => {
    await tell('a', 'b', 'c');
    const stream = follow(0);
    await next(stream, 2);
    stopping.abort();
    expect(await stream.next()).toMatchObject({ done: true });
  });
});

describe('dead letters', () => {
  async function deadLetter(sinkId: string): Promise<void> {
    const from = await stores.deliveries.cursor(sinkId);
    await tell(`for ${sinkId}`);
    const to = await stores.outbox.last();
    await stores.deliveries.route({ sinkId, from, to, sequences: [to], time: NOW });
    for (const delivery of await stores.deliveries.due(sinkId, NOW, 10))
      await stores.deliveries.deadLetter({ ...delivery, attempts: 9, lastError: 'HTTP 500' }, NOW);
  }

  test('are listed by sink, also for a removed sink', async () => {
    await deadLetter('ops');
    await deadLetter('removed');
    const page = { size: 10, after: undefined };

    const all = await openExpiry(['ops']).deadLetters(page, undefined);
    const some = await openExpiry(['ops']).deadLetters(page, 'removed');

    expect(all.items.map(({ sinkId }) => sinkId)).toEqual(['ops', 'removed']);
    expect(some.items).toMatchObject([{ sinkId: 'removed', attempts: 9, lastError: 'HTTP 500', deadLetterTime: NOW }]);
  });

  test('of one sink are pending again after a redelivery', async () => {
    await deadLetter('ops');
    await deadLetter('pager');

    expect(await openExpiry(['ops', 'pager']).redeliver('ops')).toBe(1);

    expect(await stores.deliveries.due('ops', NOW, 10)).toMatchObject([{ attempts: 0, lastError: undefined }]);
    expect(await stores.deliveries.due('pager', NOW, 10)).toEqual([]);
  });

  test('of an unknown sink are not redelivered, and the error lists the configured sinks', async () => {
    await expect(openExpiry(['ops', 'pager']).redeliver('opps')).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      message: expect.stringContaining('is not a configured sink. The configured sinks are ops, pager'),
    });
    await expect(openExpiry().redeliver('ops')).rejects.toThrow('No sink is configured');
  });
});
