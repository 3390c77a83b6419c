import { randomUUID } from 'node:crypto';
import { createReminders } from '../../src/expiry/credential_expiry_reminders.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { sqliteClientOf } from '../store/sqlite_client.ts';
import { FIRST_DUE, FIRST_THRESHOLD, fillCredentials, type Layout } from './many_credentials.ts';

/** Milliseconds of a round: elapsed time and CPU. */
export interface Swept {
  readonly time: number;
  readonly cpu: number;
}

export type Sweeper = 'vault' | 'plain';

/**
 * Publishes reminders in a database of 1,000,000 credentials: with the vault's sweep, or (`plain`) only with the two statements that
 * write the same rows. `argv`: path of the new database, number of credentials due in each round, layout.
 */
const [path = '', dueEachTime = '0', layout = ''] = process.argv.slice(2);
const BATCH = 250;
const { keks } = await fillCredentials(path, layout as Layout);
const clock = { time: FIRST_DUE - 1, now: () => clock.time };
const database = openSqlite({ path, meter: { statement() {} } });
const stores = await createStores({ database, keks, clock });
const client = await sqliteClientOf(database);
let published = 0;
const reminders = createReminders({
  expiry: stores.expiry,
  clock,
  log: silentLog,
  reportPublished: () => {
    published += 1;
  },
  thresholds: [FIRST_THRESHOLD, 30, 14, 7, 3, 1, 0],
});

const due = client.prepare(
  'SELECT uid, tenant_uid, expire_time FROM credentials WHERE reminder_time <= ? ORDER BY reminder_time',
);
const count = client.prepare('SELECT count(*) FROM outbox').pluck();
const update = client.prepare(
  'UPDATE credentials SET reminder_time = ?, last_reminded_days = ?, reminded_expire_time = ? WHERE uid = ?',
);
const insert = client.prepare(
  `INSERT INTO outbox (uid, type, dedupe_key, severity, tenant_uid, tenant_id, subject, time, data)
   VALUES (?, 'credential.expiring', ?, 'INFO', ?, 'tenant-1', 'tenants/tenant-1/apps/app-1/credentials/secret-1', ?, ?)`,
);
const data = JSON.stringify({ app: 'tenants/tenant-1/apps/app-1', clientId: randomUUID(), more: 'x'.repeat(130) });

interface Plain {
  readonly uid: string;
  readonly tenant_uid: string;
  readonly expire_time: number;
}
const plainBatch = client.transaction((rows: readonly Plain[]) => {
  for (const { uid, expire_time } of rows) update.run(expire_time - 30 * 86_400_000, FIRST_THRESHOLD, expire_time, uid);
  for (const { uid, tenant_uid, expire_time } of rows)
    insert.run(randomUUID(), `credential.expiring/${expire_time}/60/${uid}`, tenant_uid, clock.time, data);
});

const sweeps: Record<Sweeper, () => Promise<() => Promise<void>>> = {
  vault: async () => async () => {
    while (await reminders.batch());
  },
  async plain() {
    const rows = due.all(clock.time) as Plain[];
    return async () => {
      for (let from = 0; from < rows.length; from += BATCH) {
        plainBatch.immediate(rows.slice(from, from + BATCH));
        published += Math.min(BATCH, rows.length - from);
      }
    };
  },
};

async function swept(name: Sweeper): Promise<Swept> {
  clock.time += Number(dueEachTime);
  const sweep = await sweeps[name]();
  const before = { published, events: Number(count.get()) };
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  await sweep();
  const time = performance.now() - started;
  const { user, system } = process.cpuUsage(cpuBefore);
  const events = Number(count.get()) - before.events;
  if (published - before.published !== Number(dueEachTime) || events !== Number(dueEachTime)) {
    throw new Error(`${name} published ${published - before.published} and stored ${events} of ${dueEachTime}`);
  }
  return { time, cpu: (user + system) / 1_000 };
}

process.on('message', async (message) => {
  if (typeof message !== 'object' || message === null || !('sweep' in message)) return;
  process.send?.({ swept: await swept(message.sweep as Sweeper) });
});
// The probe releases the channel, but only the channel keeps this process alive.
process.channel?.ref();
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
