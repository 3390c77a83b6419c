import type { BatchJob } from '../background/batch_job.ts';
import { createQuarantine } from '../background/failing_row_quarantine.ts';
import type { Clock, Timestamp } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { decideReminder, severityOfExpiry } from '../model/decide_expiry_reminder.ts';
import { newUid } from '../model/id_patterns.ts';
import type { CredentialExpiring, VaultEvent } from '../model/vault_event.ts';
import type { DueReminder, ExpiryStore, Reminder } from '../store/background_store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { ReportPublished } from './log_and_count_published_events.ts';

/** A commit blocks the event loop, and with it every GetAccessToken: about 10 ms for this many rows. */
const BATCH = 250;

/** Publishes reminders of expiring credentials. */
export function createReminders(parts: {
  readonly expiry: Pick<ExpiryStore, 'dueReminders' | 'remind'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
  /** Days before the expiry, for tenants without thresholds of their own. */
  readonly thresholds: readonly number[];
}): BatchJob {
  const { expiry, clock, reportPublished } = parts;
  const quarantine = createQuarantine(parts);

  /** One bad row fails the whole batch. Bisect to find it; the other reminders are still published. */
  async function remind(reminders: readonly Reminder[]): Promise<void> {
    const [first] = reminders;
    if (first === undefined) return;
    try {
      // 0: another replica was faster.
      if ((await expiry.remind(reminders)) === 0) return;
    } catch (failure) {
      if (reminders.length === 1) return quarantine.add(first.due.credential.uid, failure);
      const middle = Math.ceil(reminders.length / 2);
      await remind(reminders.slice(0, middle));
      return remind(reminders.slice(middle));
    }
    for (const { event } of reminders) if (event !== undefined) reportPublished(event);
  }

  function reminderOf(due: DueReminder, now: Timestamp): Reminder[] {
    try {
      return [decided(due, due.thresholds ?? parts.thresholds, now)];
    } catch (failure) {
      quarantine.add(due.credential.uid, failure);
      return [];
    }
  }

  return {
    async batch() {
      const now = clock.now();
      const due = await expiry.dueReminders(now, BATCH + quarantine.size);
      const ready = due.filter(({ credential }) => !quarantine.has(credential.uid));
      await remind(ready.flatMap((one) => reminderOf(one, now)));
      return ready.length >= BATCH;
    },
  };
}

function decided(due: DueReminder, thresholds: readonly number[], now: Timestamp): Reminder {
  const { lastRemindedDays } = due;
  const { expireTime } = due.credential;
  const { thresholdDays, nextTime } = decideReminder({ expireTime, thresholds, lastRemindedDays }, now);
  if (thresholdDays === undefined || expireTime === undefined)
    return { due, event: undefined, lastRemindedDays, nextTime };
  return { due, event: eventOf(due, expireTime, thresholdDays, now), lastRemindedDays: thresholdDays, nextTime };
}

function eventOf(due: DueReminder, expireTime: Timestamp, thresholdDays: number, now: Timestamp): VaultEvent {
  const { credential, app, othersEnd } = due;
  const covered = othersEnd !== undefined && othersEnd > expireTime;
  const data: CredentialExpiring = {
    app: appName(app),
    clientId: app.clientId,
    kind: credential.kind,
    hint: credential.hint,
    expireTime,
    thresholdDays,
    covered,
  };
  return {
    uid: newUid(),
    type: thresholdDays === 0 ? 'credential.expired' : 'credential.expiring',
    // The expiry date comes first, so that keys that are due together are adjacent in the index.
    dedupeKey: `credential.expiring/${expireTime}/${thresholdDays}/${credential.uid}`,
    severity: severityOfExpiry(expireTime, covered, now),
    tenantUid: app.tenantUid,
    tenantId: app.tenantId,
    subject: `${appName(app)}/credentials/${credential.credentialId}`,
    time: now,
    data,
  };
}
