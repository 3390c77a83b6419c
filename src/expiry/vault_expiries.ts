import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Caller } from '../model/caller.ts';
import { type Clock, DAY, HOUR, type Timestamp } from '../model/clock.ts';
import type { EventBody, Severity, VaultEvent } from '../model/event.ts';
import { newUid } from '../model/ids.ts';
import { decideReminder, severityOfEnd } from '../model/reminder.ts';
import type { ExpiryStore } from '../store/background_stores.ts';
import type { Stores } from '../store/stores.ts';
import type { Log } from '../telemetry/log.ts';
import type { ReportPublished } from './event_reporter.ts';
import type { OwnEnd, WatchMetrics } from './expiry_metrics.ts';

/** An API key, without the key. */
export interface KeyEnd {
  readonly caller: Pick<Caller, 'id' | 'credentialId'>;
  /** Undefined: it has none. */
  readonly expireTime: Timestamp | undefined;
}

export interface OwnEndsParts {
  readonly expiry: Pick<ExpiryStore, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
  readonly metrics: WatchMetrics;
  readonly thresholds: readonly number[];
  readonly tls: { readonly certFile: string; readonly clientCaFile: string | undefined } | undefined;
  readonly apiKeys: readonly KeyEnd[];
  readonly kek: Pick<Stores, 'kekAge' | 'kekReminded'>;
}

export interface OwnEnds {
  /** Does something once an hour. */
  look(): Promise<void>;
}

const YEAR_DAYS = 365;

/** Tells of what the vault itself runs by. Each replica looks at its own; what is the same is told once, by its cause. */
export function createOwnEnds(parts: OwnEndsParts): OwnEnds {
  const { expiry, clock, log, reportPublished, metrics, thresholds, tls, apiKeys, kek } = parts;
  let nextTime: Timestamp = 0;
  /** Causes: the outbox forgets after 30 days, a threshold may last for longer. */
  const done = new Set<string>();

  async function remind(end: OwnEnd, now: Timestamp): Promise<void> {
    const { thresholdDays } = decideReminder({ ...end, thresholds, lastRemindedDays: undefined }, now);
    if (thresholdDays === undefined) return;
    const dedupeKey = `vault.credential_expiring/${end.subject}/${end.expireTime}/${thresholdDays}`;
    const severity = severityOfEnd(end.expireTime, end.covered, now);
    const { kind, subject, expireTime } = end;
    const data = { kind, expireTime, thresholdDays };
    await publish({ type: 'vault.credential_expiring', dedupeKey, severity, subject, data }, now);
  }

  /** A root key does not expire. The reminder is due for each full year of use. */
  async function remindOfKek(now: Timestamp): Promise<void> {
    const { kekId, since, lastRemindedDays = 0 } = await kek.kekAge();
    const days = Math.floor((now - since) / DAY);
    const ageDays = days - (days % YEAR_DAYS);
    if (ageDays <= lastRemindedDays) return;
    const dedupeKey = `vault.root_key_rotation_due/${kekId}/${ageDays}`;
    const about = { dedupeKey, severity: 'WARNING', subject: 'vault/root-key' } as const;
    await publish({ ...about, type: 'vault.root_key_rotation_due', data: { ageDays } }, now);
    // The outbox forgets after 30 days.
    await kek.kekReminded(kekId, ageDays);
  }

  async function publish(fields: VaultEventFields, time: Timestamp): Promise<void> {
    if (done.has(fields.dedupeKey)) return;
    const vault = { tenantUid: '', tenantId: '' };
    const event: VaultEvent = { ...fields, ...vault, uid: newUid(), time };
    if (await expiry.publish(event)) reportPublished(event);
    done.add(fields.dedupeKey);
  }

  async function certificateEnd(file: string | undefined, subject: string): Promise<readonly OwnEnd[]> {
    if (file === undefined) return [];
    try {
      return [{ kind: 'TLS_CERTIFICATE', subject, expireTime: await firstEnd(file), covered: false }];
    } catch {
      log.event('error', 'tls_certificate_unreadable', { subject });
      return [];
    }
  }

  return {
    async look() {
      const now = clock.now();
      if (now < nextTime) return;
      const ends = [
        ...(await certificateEnd(tls?.certFile, 'vault/tls-certificate')),
        ...(await certificateEnd(tls?.clientCaFile, 'vault/tls-client-ca')),
        ...keyEnds(apiKeys),
      ];
      metrics.vaultExpiries(ends);
      for (const end of ends) await remind(end, now);
      await remindOfKek(now);
      nextTime = now + HOUR;
    },
  };
}

/** A chain is good for as long as each of its links. */
async function firstEnd(file: string): Promise<Timestamp> {
  const pems = (await readFile(file, 'utf8')).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (pems === null) throw new TypeError('no certificate');
  return Math.min(...pems.map((pem) => new X509Certificate(pem).validToDate.getTime()));
}

function keyEnds(apiKeys: readonly KeyEnd[]): readonly OwnEnd[] {
  return apiKeys.flatMap(({ caller, expireTime }) => {
    if (expireTime === undefined) return [];
    const covered = apiKeys.some(
      (other) => other.caller.id === caller.id && (other.expireTime ?? Infinity) > expireTime,
    );
    return [
      { kind: 'API_KEY', subject: `vault/callers/${caller.id}/keys/${caller.credentialId}`, expireTime, covered },
    ];
  });
}

type VaultEventFields = Extract<EventBody, { readonly type: `vault.${string}` }> & {
  readonly dedupeKey: string;
  readonly severity: Severity;
  readonly subject: string;
};
