import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Clock, HOUR, type Timestamp } from '../model/clock.ts';
import type { VaultEnding, VaultEvent } from '../model/event.ts';
import { newUid } from '../model/ids.ts';
import { decideReminder, severityOfEnd } from '../model/reminder.ts';
import type { ExpiryStore } from '../store/stores.ts';
import type { Log } from '../telemetry/log.ts';
import { logTold } from './log_told.ts';
import type { Sweep } from './sweep.ts';

/** Something of the vault's own that ends. */
export interface OwnEnd {
  readonly kind: 'TLS_CERTIFICATE' | 'API_KEY';
  /** `vault/tls-certificate`, `vault/callers/mail-sync/keys/2026` */
  readonly subject: string;
  readonly expireTime: Timestamp;
  /** Another of the same owner lives on beyond it. */
  readonly covered: boolean;
}

/** An API key of a caller, without the key. */
export interface KeyEnd {
  readonly callerId: string;
  readonly keyId: string;
  /** Undefined: it has none. */
  readonly expireTime: Timestamp | undefined;
}

/** Each hour, tells of what the vault itself runs by. */
export function createOwnEnds(parts: {
  readonly expiry: Pick<ExpiryStore, 'tell'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly thresholds: readonly number[];
  readonly tls: { readonly certFile: string; readonly clientCaFile?: string | undefined } | undefined;
  readonly apiKeys: readonly KeyEnd[];
}): Sweep {
  const { expiry, clock, log, thresholds, tls, apiKeys } = parts;
  let lookTime: Timestamp = 0;

  async function remind(end: OwnEnd, now: Timestamp): Promise<void> {
    // What was told is not kept beside these: the cause keeps it from being told again.
    const { tellDays } = decideReminder({ ...end, thresholds, toldDays: undefined }, now);
    if (tellDays === undefined) return;
    const event = eventOf(end, tellDays, now);
    if (await expiry.tell(event)) logTold(log, event);
  }

  return {
    async batch() {
      const now = clock.now();
      if (now < lookTime) return false;
      const ends = [
        ...(await certificateEnds(tls?.certFile, 'vault/tls-certificate', log)),
        ...(await certificateEnds(tls?.clientCaFile, 'vault/tls-client-ca', log)),
        ...keyEnds(apiKeys),
      ];
      for (const end of ends) await remind(end, now);
      lookTime = now + HOUR;
      return false;
    },
  };
}

/** Of the first of the file's certificates to end: a chain is good for as long as each of its links. */
async function certificateEnds(file: string | undefined, subject: string, log: Log): Promise<readonly OwnEnd[]> {
  if (file === undefined) return [];
  const ends = await readEnds(file).catch(() => {
    log.event('error', 'warning', { topic: 'tls', message: `The end of ${subject} cannot be read from its file` });
    return [];
  });
  if (ends.length === 0) return [];
  return [{ kind: 'TLS_CERTIFICATE', subject, expireTime: Math.min(...ends), covered: false }];
}

async function readEnds(file: string): Promise<readonly Timestamp[]> {
  const pems = (await readFile(file, 'utf8')).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (pems ?? []).map((pem) => new X509Certificate(pem).validToDate.getTime());
}

function keyEnds(apiKeys: readonly KeyEnd[]): readonly OwnEnd[] {
  return apiKeys.flatMap(({ callerId, keyId, expireTime }) => {
    if (expireTime === undefined) return [];
    const covered = apiKeys.some((other) => other.callerId === callerId && (other.expireTime ?? Infinity) > expireTime);
    return [{ kind: 'API_KEY', subject: `vault/callers/${callerId}/keys/${keyId}`, expireTime, covered }];
  });
}

function eventOf({ kind, subject, expireTime, covered }: OwnEnd, thresholdDays: number, now: Timestamp): VaultEvent {
  const data: VaultEnding = { kind, expireTime, thresholdDays };
  return {
    uid: newUid(),
    type: 'vault.ending',
    cause: `vault.ending/${subject}/${expireTime}/${thresholdDays}`,
    severity: severityOfEnd(expireTime, covered, now),
    tenantUid: '',
    tenantId: '',
    subject,
    time: now,
    data,
  };
}
