import { randomBytes } from 'node:crypto';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { StoredChange } from '../../src/model/resource_change_announcements.ts';
import { followChanges } from '../../src/replication/follow_changes.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { ChangeStore } from '../../src/store/replication_store_interfaces.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { LogEvents } from '../../src/telemetry/log_events.ts';
import { NOW } from '../conformance/sample_rows.ts';
import { present, startVault, type VaultUnderTest } from '../conformance/vault_under_test.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';

/** The stores of one replica. */
let own: VaultUnderTest;
/** Those of another one, over the same database. */
let other: Stores;

beforeEach(async () => {
  const keks = { current: createKek(randomBytes(32)) };
  own = await startVault(async (clock) => {
    const database = await openDatabase({ url: 'sqlite::memory:' });
    other = await createStores({ database, keks, clock });
    return { stores: await createStores({ database, keks, clock }), database };
  });
  onTestFinished(() => own.stores.close());
});

const toggle = async (stores: Stores) => {
  const connection = present(await stores.connections.findByUid(own.connection.uid));
  await stores.connections.setSuspended(connection, connection.suspendTime === undefined ? NOW : undefined, NOW);
};

async function follow(changes: Partial<ChangeStore> = {}, staleLimit?: number) {
  const timers = createManualTimers();
  const seen: (StoredChange | 'reset')[] = [];
  const logged: (keyof LogEvents)[] = [];
  const time = { now: 0 };
  const follower = await followChanges({
    changes: { ...own.stores.changes, ...changes },
    every: timers.every,
    log: { event: (_, name) => void logged.push(name) },
    apply: (change) => void seen.push(change),
    reset: () => void seen.push('reset'),
    staleLimit,
    monotonicNow: () => time.now,
  });
  onTestFinished(() => follower.close());
  return { follower, seen, logged, time, timers };
}

const CHANGED = { kind: 'connection', uid: '' } as const;
const changed = () => ({ ...CHANGED, uid: own.connection.uid });

test('a change of another replica is applied once, one of the own stores and earlier ones are not', async () => {
  await toggle(other);
  const { follower, seen } = await follow();
  await toggle(own.stores);
  await toggle(other);

  await follower.poll();
  await follower.poll();

  expect(seen).toEqual([changed()]);
  expect(follower.position).toBe(3);
});

test('the timer reads the feed', async () => {
  const { seen, timers } = await follow();
  await toggle(other);

  timers.beat();

  await expect.poll(() => seen).toEqual([changed()]);
});

test('a message from the database reads the feed at once', async () => {
  let wake = () => {};
  const subscription = { closed: false, close: async () => void Object.assign(subscription, { closed: true }) };
  const { follower, seen } = await follow({
    listen: async (handler) => {
      wake = handler;
      return subscription;
    },
  });
  await toggle(other);

  wake();

  await expect.poll(() => seen).toEqual([changed()]);
  await follower.close();
  expect(subscription.closed).toBe(true);
});

test('more changes than one read returns are applied in order', async () => {
  const rows = Array.from({ length: 2_500 }, (_, index) => ({
    position: index + 1,
    uid: `row-${index}`,
    change: { kind: 'app', uid: `app-${index}` } as const,
  }));
  const { follower, seen } = await follow({
    newest: async () => undefined,
    read: async (from, limit) => rows.filter(({ position }) => position >= from).slice(0, limit),
  });

  await follower.poll();

  expect(seen).toEqual(rows.map(({ change }) => change));
});

test.each([
  ['has another id, after a failover', { uid: 'other' }],
  ['is missing, after a restore', { position: 0 }],
])('everything cached is dropped once if the last row %s', async (_, set) => {
  await toggle(other);
  const { follower, seen, logged } = await follow();
  await own.damage('changes', set);

  await follower.poll();
  await follower.poll();

  expect(seen).toEqual(['reset']);
  expect(logged).toEqual(['changes_feed_reset']);
  await toggle(other);
  await follower.poll();
  expect(seen.slice(1)).toEqual([changed()]);
});

test('a replica is behind once the feed was unreadable for 30 s, and applies what it missed', async () => {
  let isDown = true;
  const { follower, seen, logged, time } = await follow({
    async read(from, limit) {
      if (isDown) throw new VaultError('DATABASE_UNAVAILABLE', 'away');
      return own.stores.changes.read(from, limit);
    },
  });
  await toggle(other);

  time.now = 29 * SECOND;
  await follower.poll();
  expect(follower).toMatchObject({ behind: false, lag: 29 * SECOND });
  time.now = 30 * SECOND;
  await follower.poll();
  await follower.poll();
  expect(follower).toMatchObject({ behind: true, stale: false });
  isDown = false;
  await follower.poll();

  expect(follower).toMatchObject({ behind: false, lag: 0 });
  expect(seen).toEqual([changed()]);
  expect(logged).toEqual(['changes_feed_behind', 'changes_feed_recovered']);
});

test('a replica is behind while a read of the feed hangs', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly []>();
  const { follower, time, timers } = await follow({ read: () => promise });
  timers.beat();

  time.now = MINUTE;
  timers.beat();

  expect(follower.behind).toBe(true);
  resolve([]);
});

test('what is in memory is stale once the limit has passed since the last read', async () => {
  const { follower, time } = await follow({}, 2 * MINUTE);

  time.now = 2 * MINUTE;
  expect(follower.stale).toBe(false);
  time.now += 1;
  expect(follower.stale).toBe(true);
  await follower.poll();
  expect(follower.stale).toBe(false);
});
