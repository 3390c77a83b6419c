import { createHash } from 'node:crypto';
import { type Credential, credentialState, neverExpires } from '../../model/app_credential.ts';
import { DAY, type Duration, elapsedSince, HOUR, MINUTE, type Timestamp } from '../../model/clock.ts';
import { presentOrder } from '../../model/credential_presentation_order.ts';
import type { App } from '../../model/entra_app.ts';
import { rotationTime } from '../../model/secret_rotation_due.ts';

/** The results of an inspection that determine the next one. */
export interface Inspected {
  readonly app: App;
  /** Current. */
  readonly credentials: readonly Credential[];
  /** REGISTERED: Graph returned the registration. CLOSED: no access. OUTAGE: a retry may succeed. */
  readonly graph: 'REGISTERED' | 'CLOSED' | 'OUTAGE';
  /** Retry-After of Graph. */
  readonly retryAfter: Duration | undefined;
  /** A key vault or the probe of a credential gave no result. */
  readonly isIncomplete: boolean;
  /** A directory is known in which credentials can be probed. */
  readonly canProbe: boolean;
}

/** When an app is inspected next. */
export function nextInspection(inspected: Inspected, now: Timestamp): Timestamp {
  const { app, credentials } = inspected;
  const usual = now + spread(periodOf(inspected), app.uid);
  const retry = retryDelay(inspected, now);
  const rotates = rotationTime(app, credentials, now);
  const others = [retry === undefined ? undefined : now + retry, rotates, ...referenceTimes(inspected, now)];
  // Past times are ignored: this inspection has handled them.
  return Math.min(usual, ...others.filter((time) => time !== undefined && time > now).map(Number));
}

const WEEK: Duration = 7 * DAY;
const RETRY: Duration = HOUR;
/** A new secret needs seconds to minutes to propagate. */
const NEW: Duration = HOUR;
const RETRY_NEW: Duration = 5 * MINUTE;

/** A suspended app is not inspected, so this only detects that it was resumed. */
export function afterSuspension(app: Pick<App, 'uid'>, now: Timestamp): Timestamp {
  return now + spread(WEEK, app.uid);
}

/** Registrations and key vaults can change any day. If neither is visible, only probes of the credentials remain. */
function periodOf({ app, credentials, graph }: Inspected): Duration {
  const hasReference = credentials.some(isReference);
  return graph === 'REGISTERED' || hasReference || app.rotation !== undefined ? DAY : WEEK;
}

function retryDelay(inspected: Inspected, now: Timestamp): Duration | undefined {
  const { credentials, graph, retryAfter = 0, isIncomplete, canProbe } = inspected;
  const isNew = ({ verdict, createTime }: Credential) => verdict === 'UNPROBED' && elapsedSince(createTime, now) < NEW;
  if (canProbe && credentials.some(isNew)) return Math.max(RETRY_NEW, retryAfter);
  // If Entra rejects all credentials, a failure of Graph is not an outage.
  const hasWorkingCredential = presentOrder(credentials, now).some(({ verdict }) => verdict !== 'REJECTED');
  if ((graph === 'OUTAGE' && hasWorkingCredential) || isIncomplete) return Math.max(RETRY, retryAfter);
  return undefined;
}

/** Shortly before a reference to Key Vault expires, to read a late renewal: after the known expiry it is not presented. */
function referenceTimes({ credentials, retryAfter = 0 }: Inspected, now: Timestamp): readonly Timestamp[] {
  const soonest = now + Math.max(RETRY, retryAfter);
  return credentials
    .filter(isReference)
    .flatMap(({ expireTime }) => (expireTime === undefined ? [] : [Math.max(soonest, expireTime - RETRY)]));
}

function isReference({ kind }: Credential): boolean {
  return kind === 'KEY_VAULT_SECRET' || kind === 'KEY_VAULT_CERTIFICATE';
}

/** A tenth more or less, derived from the uid, so that simultaneous inspections spread. */
function spread(period: Duration, uid: string): Duration {
  const share = createHash('sha256').update(uid).digest().readUInt32BE() / 2 ** 32;
  return Math.round(period * (0.9 + 0.2 * share));
}

/** Whether to check a credential with Entra. `missing`: uids of credentials that the registration no longer lists. */
export function needsProbe(credential: Credential, missing: ReadonlySet<string>, now: Timestamp): boolean {
  const state = credentialState(credential, now);
  if (state === 'EXPIRED' || state === 'NOT_YET_VALID') return false;
  if (state !== 'VALID' || missing.has(credential.uid)) return true;
  const { lastUsedTime, expireTime } = credential;
  // Six days, so that each weekly inspection finds an unused credential.
  const isUnused = lastUsedTime === undefined || elapsedSince(lastUsedTime, now) >= 6 * DAY;
  return isUnused && (expireTime === undefined || neverExpires(credential));
}
