import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { CredentialExpiring, VaultEvent } from '../../src/model/vault_event.ts';
import type { LeaseStore, Reminder } from '../../src/store/background_store_interfaces.ts';
import { NOW, sampleCredential } from '../conformance/sample_rows.ts';
import { openWatchWorld, type WatchWorld } from '../expiry/expiry_setup.ts';

let world: WatchWorld;
beforeEach(async () => {
  world = await openWatchWorld();
  // Ignores the initial rows of the test setup.
  await world.stores.apps.removeCredential(world.app.uid, 'first');
});

function add(credentialId: string, expireTime: number | null, app = world.app) {
  return world.stores.apps.addCredential(app, sampleCredential(app, credentialId, expireTime));
}

const daysOf = (events: readonly VaultEvent[], credentialId: string) =>
  events
    .filter(({ subject }) => subject.endsWith(`/credentials/${credentialId}`))
    .map(({ data }) => (data as CredentialExpiring).thresholdDays);

async function published(credentialId: string) {
  return daysOf(await world.published(), credentialId);
}

describe('a credential', () => {
  test('causes one event at each threshold, and one at its expiry', async () => {
    await add('secret', NOW + 90 * DAY);
    const scheduler = await world.schedule('one');
    const moments: (readonly [number, number])[] = [];
    for (; world.clock.time < NOW + 100 * DAY; world.clock.time += 6 * HOUR) {
      const before = (await published('secret')).length;
      await scheduler.runOnce();
      const after = await published('secret');
      for (const days of after.slice(before)) moments.push([days, (NOW + 90 * DAY - world.clock.time) / DAY]);
    }
    expect(moments).toEqual([60, 30, 14, 7, 3, 1, 0].map((days) => [days, days]));
  });

  test('causes an event with the facts for its renewal, and a severity', async () => {
    await add('secret', NOW + 7 * DAY);
    await world.schedule('one');
    const [event] = await world.published();
    expect(event).toMatchObject({
      type: 'credential.expiring',
      severity: 'WARNING',
      tenantUid: world.tenant.uid,
      tenantId: 'acme',
      subject: 'tenants/acme/apps/default/credentials/secret',
      time: NOW,
      data: {
        app: 'tenants/acme/apps/default',
        clientId: world.app.clientId,
        kind: 'CLIENT_SECRET',
        hint: 'abc',
        expireTime: NOW + 7 * DAY,
        thresholdDays: 7,
        covered: false,
      },
    });
    expect(event?.dedupeKey).toMatch(new RegExp(`^credential.expiring/${NOW + 7 * DAY}/7/.+$`));
    expect(world.lines).toEqual([
      {
        level: 'warn',
        name: 'event_published',
        fields: {
          id: event?.uid,
          type: 'credential.expiring',
          subject: event?.subject,
          severity: 'WARNING',
          expireTime: new Date(NOW + 7 * DAY).toISOString(),
        },
      },
    ]);
  });

  test('that is covered by another one causes events of severity INFO', async () => {
    await add('old', NOW - DAY);
    await add('new', NOW + 300 * DAY);
    await world.schedule('one');
    expect(await world.published()).toMatchObject([
      { type: 'credential.expired', severity: 'INFO', data: { covered: true, thresholdDays: 0 } },
    ]);
  });

  test('that is late at the first run causes only the most urgent event', async () => {
    await add('late', NOW + 2 * DAY);
    await add('gone', NOW - 400 * DAY);
    await world.schedule('one');
    expect([await published('late'), await published('gone')]).toEqual([[3], [0]]);
  });

  test.each([
    ['nobody knows', null],
    ['is "never"', Date.UTC(2299, 11, 31)],
  ])('whose end %s is looked at once, and published never', async (_, expireTime) => {
    await add('endless', expireTime);
    const scheduler = await world.schedule('one');
    expect(await world.stores.expiry.dueReminders(NOW + 400 * DAY, 10)).toEqual([]);
    world.clock.time += 400 * DAY;
    await scheduler.runOnce();
    expect(await published('endless')).toEqual([]);
  });

  test('uses the thresholds of its tenant, from the next run on after a change', async () => {
    await add('secret', NOW + 50 * DAY);
    const scheduler = await world.schedule('one');
    expect(await published('secret')).toEqual([60]);
    const tenant = await world.stores.tenants.find('acme');
    if (tenant === undefined) throw new Error('gone');
    await world.stores.tenants.update(tenant, { ...tenant, expiryThresholds: [90, 55, 2] });
    await scheduler.runOnce();
    expect(await published('secret')).toEqual([60, 55]);
    for (; world.clock.time <= NOW + 51 * DAY; world.clock.time += DAY) await scheduler.runOnce();
    expect(await published('secret')).toEqual([60, 55, 2, 0]);
  });
});

test('a published reminder is not repeated after the outbox deleted it, or thresholds changed', async () => {
  await add('secret', NOW + 50 * DAY);
  const scheduler = await world.schedule('one');
  expect(await published('secret')).toEqual([60]);
  world.clock.time += DAY;
  await world.stores.outbox.sweep(world.clock.time, 1_000);
  const tenant = await world.stores.tenants.find('acme');
  if (tenant === undefined) throw new Error('gone');
  await world.stores.tenants.update(tenant, { ...tenant, expiryThresholds: [60, 10] });
  await scheduler.runOnce();
  expect(await published('secret')).toEqual([]);
});

describe('idle connections', () => {
  test('cause an event 15 days before their refresh token expires, once per last use', async () => {
    const scheduler = await world.schedule('one');
    const { lastRefreshTime = 0 } = world.connection;
    world.clock.time = lastRefreshTime + 75 * DAY;
    await scheduler.runOnce();
    expect(await world.published()).toEqual([]);
    world.clock.time += MINUTE;
    await scheduler.runOnce();
    world.clock.time += DAY;
    await scheduler.runOnce();
    expect(await world.published()).toMatchObject([
      {
        type: 'connection.idle_expiring',
        severity: 'WARNING',
        subject: 'tenants/acme/connections/ada',
        data: { connectionUid: world.connection.uid, idleExpireTime: lastRefreshTime + 90 * DAY },
      },
    ]);
  });
});

test('a suspended idle connection causes an event of severity INFO', async () => {
  await world.stores.connections.setSuspended(world.connection, NOW, NOW);
  world.clock.time = (world.connection.lastRefreshTime ?? 0) + 80 * DAY;
  await world.schedule('one');
  expect(await world.published()).toMatchObject([{ type: 'connection.idle_expiring', severity: 'INFO' }]);
});

describe('replicas', () => {
  test('run one at a time, and the next one continues where the first one stopped', async () => {
    await add('secret', NOW + 20 * DAY);
    const first = await world.schedule('one');
    const { expiry } = world.stores;
    let looks = 0;
    const dueReminders: typeof expiry.dueReminders = (now, limit) => {
      looks += 1;
      return expiry.dueReminders(now, limit);
    };
    const second = await world.schedule('two', { stores: { ...world.stores, expiry: { ...expiry, dueReminders } } });
    world.clock.time = NOW + 7 * DAY;
    await Promise.all([second.runOnce(), first.runOnce()]);
    expect(await published('secret')).toEqual([30, 14]);
    expect(looks).toBe(0);
    await first.close();
    world.clock.time = NOW + 14 * DAY;
    await first.runOnce();
    expect(await published('secret')).toEqual([30, 14]);
    await second.runOnce();
    expect(await published('secret')).toEqual([30, 14, 7]);
  });

  test('publish nothing twice even if two believe that they hold the lease', async () => {
    for (let index = 0; index < 50; index += 1) await add(`secret-${index}`, NOW + 20 * DAY);
    const leases: Pick<LeaseStore, 'acquire' | 'release'> = {
      acquire: async (name, owner) => ({ name, owner, epoch: 1 }),
      release: async () => {},
    };
    await Promise.all(['one', 'two', 'three'].map((replica) => world.schedule(replica, { leases })));
    const events = await world.published();
    expect(events).toHaveLength(50);
    expect(new Set(events.map(({ dedupeKey }) => dedupeKey)).size).toBe(50);
  });
});

describe('a poison row', () => {
  test('does not block others, and is retried an hour later', async () => {
    for (let index = 0; index < 20; index += 1) await add(`secret-${index}`, NOW + 20 * DAY);
    const { expiry } = world.stores;
    let broken = true;
    const remind = async (reminders: readonly Reminder[]) => {
      if (broken && reminders.some(({ due }) => due.credential.credentialId === 'secret-7'))
        throw new VaultError('RECORD_CORRUPT', 'the row is damaged');
      return expiry.remind(reminders);
    };
    const scheduler = await world.schedule('one', { stores: { ...world.stores, expiry: { ...expiry, remind } } });
    expect(await world.published()).toHaveLength(19);
    expect(await published('secret-7')).toEqual([]);
    expect(world.lines.filter(({ level }) => level === 'error')).toHaveLength(1);

    broken = false;
    await scheduler.runOnce();
    expect(await published('secret-7')).toEqual([]);
    world.clock.time += HOUR;
    await scheduler.runOnce();
    expect(await published('secret-7')).toEqual([30]);
  });

  test('with invalid thresholds of its tenant uses those of the vault', async () => {
    await add('fine', NOW + 20 * DAY);
    const other = await world.register('beta');
    await add('odd', NOW + 20 * DAY, other.app);
    await world.damage('tenants', { expiryThresholds: sql`'7'` as never }, sql`tenant_id = 'beta'`);
    await world.schedule('one');
    expect(await published('fine')).toEqual([30]);
    expect(await published('odd')).toEqual([30]);
  });

  test('is not recorded during an outage of the database', async () => {
    await add('secret', NOW + 20 * DAY);
    const { expiry } = world.stores;
    let away = true;
    const remind = async (reminders: readonly Reminder[]) => {
      if (away) throw new VaultError('DATABASE_UNAVAILABLE', 'away');
      return expiry.remind(reminders);
    };
    const scheduler = await world.schedule('one', { stores: { ...world.stores, expiry: { ...expiry, remind } } });
    expect(await published('secret')).toEqual([]);
    away = false;
    await scheduler.runOnce();
    expect(await published('secret')).toEqual([30]);
  });
});

test('many due reminders are published in batches, each once', async () => {
  const count = 600;
  for (let index = 0; index < count; index += 1) await add(`secret-${index}`, NOW + 20 * DAY);
  const sizes: number[] = [];
  const { expiry } = world.stores;
  const remind = (reminders: readonly Reminder[]) => {
    sizes.push(reminders.length);
    return expiry.remind(reminders);
  };
  await world.schedule('one', { stores: { ...world.stores, expiry: { ...expiry, remind } } });
  expect(sizes).toEqual([250, 250, 100]);
  expect(new Set((await world.published()).map(({ subject }) => subject)).size).toBe(count);
});

test('a closed run ends after its batch, and releases the lease', async () => {
  const scheduler = await world.schedule('one');
  for (let index = 0; index < 600; index += 1) await add(`secret-${index}`, NOW + 20 * DAY);
  const round = scheduler.runOnce();
  await scheduler.close();
  await round;
  await scheduler.runOnce();
  expect(await world.published()).toHaveLength(250);
  expect(await world.stores.leases.acquire('background_jobs', 'two', MINUTE)).toBeDefined();
});

test('remote jobs run after local ones, and a failing job does not block the next', async () => {
  await add('secret', NOW + 20 * DAY);
  const seen: unknown[] = [];
  const sweep = (name: string, batches: number, fails = false) => ({
    async batch() {
      seen.push([name, (await published('secret')).length]);
      if (fails) throw new Error('away');
      batches -= 1;
      return batches > 0;
    },
  });
  const remoteJobs = [sweep('inspection', 3, true), sweep('rotation', 2)];
  await world.schedule('one', { remoteJobs });
  expect(seen).toEqual([
    ['inspection', 1],
    ['rotation', 1],
    ['rotation', 1],
  ]);
  expect(world.lines.filter(({ name }) => name === 'internal_error')).toHaveLength(1);
  // Another replica holds the lease.
  await world.schedule('two', { remoteJobs });
  expect(seen).toHaveLength(3);
});
