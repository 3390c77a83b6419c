import type { BatchJob } from '../background/batch_job.ts';
import { createQuarantine } from '../background/quarantine.ts';
import type { Clock, Timestamp } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import type { CredentialExpiring, VaultEvent } from '../model/event.ts';
import { newUid } from '../model/ids.ts';
import { decideReminder, severityOfEnd } from '../model/reminder.ts';
import type { DueReminder, ExpiryStore, Reminder } from '../store/background_stores.ts';
import type { Log } from '../telemetry/log.ts';
import type { ReportPublished } from './event_reporter.ts';

/** A commit stops the event loop, and with it every GetAccessToken: for some 10 ms where it holds so many. */
const BATCH = 250;

/** Tells of credentials that end. */
export function createReminders(parts: {
  readonly expiry: Pick<ExpiryStore, 'dueReminders' | 'remind'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
  /** Days before the end, for tenants that have none of their own. */
  readonly thresholds: readonly number[];
}): BatchJob {
  const { expiry, clock, reportPublished } = parts;
  const quarantine = createQuarantine(parts);

  /** One row that cannot be written takes its batch with it: halving finds it, and the others are told. */
  async function remind(reminders: readonly Reminder[]): Promise<void> {
    const [first] = reminders;
    if (first === undefined) return;
    try {
      // None: another replica was faster.
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
      const fresh = due.filter(({ credential }) => !quarantine.has(credential.uid));
      await remind(fresh.flatMap((one) => reminderOf(one, now)));
      return fresh.length >= BATCH;
    },
  };
}

function decided(due: DueReminder, thresholds: readonly number[], now: Timestamp): Reminder {
  const { lastRemindedDays } = due;
  const { expireTime } = due.credential;
  const { thresholdDays, nextTime } = decideReminder(
    { expireTime, thresholds, lastRemindedDays: lastRemindedDays },
    now,
  );
  if (thresholdDays === undefined || expireTime === undefined)
    return { due, event: undefined, lastRemindedDays: lastRemindedDays, nextTime };
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
    // The end first: those that are due together then lie side by side in the index of causes.
    dedupeKey: `credential.expiring/${expireTime}/${thresholdDays}/${credential.uid}`,
    severity: severityOfEnd(expireTime, covered, now),
    tenantUid: app.tenantUid,
    tenantId: app.tenantId,
    subject: `${appName(app)}/credentials/${credential.credentialId}`,
    time: now,
    data,
  };
}
