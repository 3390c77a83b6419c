import type { BatchJob } from '../background/batch_job.ts';
import { createQuarantine } from '../background/quarantine.ts';
import { type Clock, DAY, type Duration, type Timestamp } from '../model/clock.ts';
import { type Connection, connectionName, idleExpireTime } from '../model/connection.ts';
import type { VaultEvent } from '../model/event.ts';
import { newUid } from '../model/ids.ts';
import type { ExpiryStore } from '../store/background_stores.ts';
import type { Log } from '../telemetry/log.ts';
import type { ReportPublished } from './event_reporter.ts';

const BATCH = 100;
/** Keep-alive redeems each 30 to 45 days: who is idle for 75 of the 90 is suspended, or cannot be redeemed. */
const LEFT: Duration = 15 * DAY;

/** Tells of connections whose refresh token is about to die unused. */
export function createIdle(parts: {
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
      const ending = await expiry.idleExpiring(now + LEFT, BATCH + quarantine.size);
      const fresh = ending.filter(({ uid }) => !quarantine.has(uid));
      for (const connection of fresh) {
        await remind(connection, now).catch((failure) => quarantine.add(connection.uid, failure));
      }
      return fresh.length >= BATCH;
    },
  };
}

function eventOf(connection: Connection, end: Timestamp, now: Timestamp): VaultEvent {
  return {
    uid: newUid(),
    type: 'connection.idle_expiring',
    dedupeKey: `connection.idle_expiring/${connection.uid}/${connection.lastRefreshTime}`,
    // Somebody suspended it, and may let it die.
    severity: connection.suspendTime === undefined ? 'WARNING' : 'INFO',
    tenantUid: connection.tenantUid,
    tenantId: connection.tenantId,
    subject: connectionName(connection),
    time: now,
    data: { connectionUid: connection.uid, externalId: connection.externalId, idleExpireTime: end },
  };
}
