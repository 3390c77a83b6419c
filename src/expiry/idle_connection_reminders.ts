import type { BatchJob } from '../background/batch_job.ts';
import { createQuarantine } from '../background/failing_row_quarantine.ts';
import { type Clock, DAY, type Duration, type Timestamp } from '../model/clock.ts';
import { type Connection, connectionName, idleExpireTime } from '../model/connection.ts';
import { newUid } from '../model/id_patterns.ts';
import type { VaultEvent } from '../model/vault_event.ts';
import type { ExpiryStore } from '../store/background_store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { ReportPublished } from './log_and_count_published_events.ts';

const BATCH = 100;
/** Keep-alive redeems each refresh token after 30 to 45 days, so one that is idle for 75 of 90 days is suspended or cannot be redeemed. */
const LEFT: Duration = 15 * DAY;

/** Publishes reminders of connections whose refresh token is about to expire unused. */
export function createIdleReminders(parts: {
  readonly expiry: Pick<ExpiryStore, 'idleExpiring' | 'remindIdle'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
}): BatchJob {
  const { expiry, clock, reportPublished } = parts;
  const quarantine = createQuarantine(parts);

  async function remind(connection: Connection, now: Timestamp): Promise<void> {
    const end = idleExpireTime(connection);
    if (end === undefined) return;
    const event = eventOf(connection, end, now);
    if (await expiry.remindIdle(connection, event)) reportPublished(event);
  }

  return {
    async batch() {
      const now = clock.now();
      const expiring = await expiry.idleExpiring(now + LEFT, BATCH + quarantine.size);
      const ready = expiring.filter(({ uid }) => !quarantine.has(uid));
      for (const connection of ready) {
        await remind(connection, now).catch((failure) => quarantine.add(connection.uid, failure));
      }
      return ready.length >= BATCH;
    },
  };
}

function eventOf(connection: Connection, end: Timestamp, now: Timestamp): VaultEvent {
  return {
    uid: newUid(),
    type: 'connection.idle_expiring',
    dedupeKey: `connection.idle_expiring/${connection.uid}/${connection.lastRefreshTime}`,
    // A suspended connection may be meant to expire.
    severity: connection.suspendTime === undefined ? 'WARNING' : 'INFO',
    tenantUid: connection.tenantUid,
    tenantId: connection.tenantId,
    subject: connectionName(connection),
    time: now,
    data: { connectionUid: connection.uid, externalId: connection.externalId, idleExpireTime: end },
  };
}
