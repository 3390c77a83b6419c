import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Caller } from '../model/authenticated_caller.ts';
import type { ClientCaFile } from '../model/client_trust.ts';
import { type Clock, DAY, HOUR, type Timestamp } from '../model/clock.ts';
import { decideReminder, severityOfExpiry } from '../model/decide_expiry_reminder.ts';
import { newUid } from '../model/id_patterns.ts';
import type { EventBody, Severity, VaultEvent } from '../model/vault_event.ts';
import type { ExpiryStore } from '../store/background_store_interfaces.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { ReportPublished } from './log_and_count_published_events.ts';
import type { ExpiryMetrics, VaultExpiry } from './published_event_and_vault_expiry_metrics.ts';

/** The expiry of an API key. */
export interface ApiKeyExpiry {
  readonly caller: Pick<Caller, 'id' | 'credentialId'> & { readonly expireTime: Timestamp };
}

export interface VaultExpiriesParts {
  readonly expiry: Pick<ExpiryStore, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
  readonly metrics: ExpiryMetrics;
  readonly thresholds: readonly number[];
  readonly tls: { readonly certFile: string; readonly clientCaFiles: readonly ClientCaFile[] } | undefined;
  readonly apiKeys: () => readonly ApiKeyExpiry[];
  readonly kek: Pick<Stores, 'kekAge' | 'kekReminded'>;
}

const YEAR_DAYS = 365;

/** Publishes reminders of the vault's own certificates and keys. Each replica reads its own files; the dedupe key makes equal events unique. */
export function createVaultExpiries(parts: VaultExpiriesParts) {
  const { expiry, clock, log, reportPublished, metrics, thresholds, tls, apiKeys, kek } = parts;
  let nextTime: Timestamp = 0;
  /** Dedupe keys, because the outbox deletes events after 30 days, but a threshold may apply for longer. */
  const done = new Set<string>();

  async function remind(item: VaultExpiry, now: Timestamp): Promise<void> {
    const { thresholdDays } = decideReminder({ ...item, thresholds, lastRemindedDays: undefined }, now);
    if (thresholdDays === undefined) return;
    const dedupeKey = `vault.credential_expiring/${item.subject}/${item.expireTime}/${thresholdDays}`;
    const severity = severityOfExpiry(item.expireTime, item.covered, now);
    const { kind, subject, expireTime } = item;
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
    // The outbox deletes the event, with its dedupe key, after 30 days.
    await kek.kekReminded(kekId, ageDays);
  }

  async function publish(fields: VaultEventFields, time: Timestamp): Promise<void> {
    if (done.has(fields.dedupeKey)) return;
    const vault = { tenantUid: '', tenantId: '' };
    const event: VaultEvent = { ...fields, ...vault, uid: newUid(), time };
    if (await expiry.publish(event)) reportPublished(event);
    done.add(fields.dedupeKey);
  }

  async function certificateExpiry(
    file: string,
    subject: string,
    expiryOf: (certificates: readonly X509Certificate[]) => Timestamp | undefined,
  ): Promise<readonly VaultExpiry[]> {
    try {
      const expireTime = expiryOf(await readCertificates(file));
      return expireTime === undefined ? [] : [{ kind: 'TLS_CERTIFICATE', subject, expireTime, covered: false }];
    } catch {
      log.event('error', 'tls_certificate_unreadable', { subject });
      return [];
    }
  }

  async function certificateExpiries(): Promise<readonly VaultExpiry[]> {
    if (tls === undefined) return [];
    const expiries = await Promise.all([
      certificateExpiry(tls.certFile, 'vault/tls-certificate', firstExpiry),
      ...tls.clientCaFiles.map(({ namespace, file }) =>
        certificateExpiry(file, `vault/tls-client-ca/${namespace.replace('spiffe://', '')}`, lastLongExpiry),
      ),
    ]);
    return expiries.flat();
  }

  return {
    /** Runs once an hour; other calls do nothing. */
    async publishDue(): Promise<void> {
      const now = clock.now();
      if (now < nextTime) return;
      const expiries = [...(await certificateExpiries()), ...apiKeyExpiries(apiKeys())];
      metrics.vaultExpiries(expiries);
      for (const expiry of expiries) await remind(expiry, now);
      await remindOfKek(now);
      nextTime = now + HOUR;
    },
  };
}

async function readCertificates(file: string): Promise<readonly X509Certificate[]> {
  const pems = (await readFile(file, 'utf8')).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (pems === null) throw new TypeError('no certificate');
  return pems.map((pem) => new X509Certificate(pem));
}

/** A chain expires with its first certificate. */
function firstExpiry(certificates: readonly X509Certificate[]): Timestamp {
  return Math.min(...certificates.map(({ validToDate }) => validToDate.getTime()));
}

/** A CA that lives for a shorter time is replaced by a program (SPIRE: within a day), so reminders would never end. */
const LONG_LIFE = 30 * DAY;

/** CAs are replaced by adding the next one, so a file expires with its last one. Undefined: it is a short-lived one. */
function lastLongExpiry(cas: readonly X509Certificate[]): Timestamp | undefined {
  const expiry = ({ validToDate }: X509Certificate) => validToDate.getTime();
  const last = cas.reduce((one, other) => (expiry(other) > expiry(one) ? other : one));
  return expiry(last) - last.validFromDate.getTime() > LONG_LIFE ? expiry(last) : undefined;
}

function apiKeyExpiries(apiKeys: readonly ApiKeyExpiry[]): readonly VaultExpiry[] {
  return apiKeys.map(({ caller }) => {
    const { expireTime } = caller;
    const covered = apiKeys.some((other) => other.caller.id === caller.id && other.caller.expireTime > expireTime);
    return { kind: 'API_KEY', subject: `vault/callers/${caller.id}/keys/${caller.credentialId}`, expireTime, covered };
  });
}

type VaultEventFields = Extract<EventBody, { readonly type: `vault.${string}` }> & {
  readonly dedupeKey: string;
  readonly severity: Severity;
  readonly subject: string;
};
