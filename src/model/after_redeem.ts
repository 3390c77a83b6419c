import { DAY, type Duration, MINUTE, SECOND, type Timestamp } from './clock.ts';
import { type Account, type Connection, isSameAccount } from './connection.ts';
import type { Failure, Granted, Outcome } from './exchange.ts';

/** A blocked connection is tried again at most this often: an administrator must act first. */
export const BLOCKED_PROBE_INTERVAL: Duration = DAY;
/** Entra refuses a client that repeats equal requests for 5 minutes (50196). */
export const LOOPING_HOLD: Duration = 5 * MINUTE;
/** Between the first doubtful refusal and the one that counts. */
export const STRIKE_INTERVAL: Duration = 60 * SECOND;

const KEEP_ALIVE_SOONEST = 30 * DAY;
const KEEP_ALIVE_LATEST = 45 * DAY;

/** What the redemption was for, and the chance that spreads keep-alive. */
export interface RedeemContext {
  /** Canonical resource URI. */
  readonly resource: string;
  /** 0 to 1. */
  readonly jitter: number;
}

/**
 * The connection as an answer of Entra leaves it; the same object where nothing changed.
 * Failures of the app, of Entra and of ours never touch it.
 */
export function afterRedeem(
  connection: Connection,
  outcome: Outcome,
  now: Timestamp,
  context: RedeemContext,
): Connection {
  switch (outcome.kind) {
    case 'granted':
      return afterGranted(connection, outcome, now, context);
    case 'reauthorize':
      return needingItsUser(connection, outcome, now);
    case 'consent':
      return withoutConsent(connection, outcome, now, context.resource);
    case 'blocked':
      return {
        ...connection,
        grantState: 'BLOCKED',
        stateEvidence: evidenceOf(outcome, now),
        strikeTime: undefined,
        heldUntil: now + BLOCKED_PROBE_INTERVAL,
        keepAliveTime: undefined,
        updateTime: now,
      };
    case 'suspect':
      return afterStrike(connection, outcome, now);
    case 'looping':
      return { ...connection, heldUntil: now + LOOPING_HOLD, updateTime: now };
    case 'transient':
    case 'throttled':
    case 'app_credential':
    case 'app_config':
    case 'caller':
    case 'ours':
      return connection;
  }
}

function afterGranted(
  connection: Connection,
  { account, accessToken }: Granted,
  now: Timestamp,
  { resource, jitter }: RedeemContext,
): Connection {
  const after: Connection = {
    ...connection,
    account: refreshed(connection.account, account),
    granted: { ...connection.granted, [resource]: accessToken.permissions },
    grantState: 'ACTIVE',
    stateEvidence: undefined,
    verifyTime: now,
    lastRefreshTime: now,
    strikeTime: undefined,
    heldUntil: undefined,
    keepAliveTime: nextKeepAliveTime(now, jitter),
  };
  // A refresh is no change: whoever read the connection before may still act on what was read.
  const isUnchanged = isUsual(connection) && after.account?.email === connection.account?.email;
  return isUnchanged ? after : { ...after, updateTime: now };
}

/** Names stay as the grant brought them; the e-mail address follows the id token, where it has one. */
function refreshed(known: Account | undefined, told: Account | undefined): Account | undefined {
  if (known === undefined) return told;
  if (told?.email === undefined || told.email === known.email || !isSameAccount(told, known)) return known;
  return { ...known, email: told.email };
}

/** ACTIVE before, and verified: the redemption confirms what was known. */
function isUsual({ grantState, stateEvidence, verifyTime }: Connection): boolean {
  return grantState === 'ACTIVE' && stateEvidence === undefined && verifyTime !== undefined;
}

/** How long Entra is left alone about this connection; 0: it may be asked. */
export function restOf({ grantState, heldUntil }: Connection, now: Timestamp): Duration {
  if (heldUntil === undefined) return 0;
  const rest = heldUntil - now;
  // More than anybody rests: the clock was set back.
  return rest > (grantState === 'BLOCKED' ? BLOCKED_PROBE_INTERVAL : LOOPING_HOLD) ? 0 : Math.max(0, rest);
}

export function nextKeepAliveTime(now: Timestamp, jitter: number): Timestamp {
  return now + KEEP_ALIVE_SOONEST + Math.floor(jitter * (KEEP_ALIVE_LATEST - KEEP_ALIVE_SOONEST));
}

function needingItsUser(connection: Connection, failure: Failure, now: Timestamp): Connection {
  return {
    ...connection,
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateEvidence: evidenceOf(failure, now),
    strikeTime: undefined,
    heldUntil: undefined,
    keepAliveTime: undefined,
    updateTime: now,
  };
}

/** Consent is per resource: what other resources were granted goes on. */
function withoutConsent(connection: Connection, failure: Failure, now: Timestamp, resource: string): Connection {
  const granted = Object.fromEntries(Object.entries(connection.granted).filter(([uri]) => uri !== resource));
  if (Object.keys(granted).length === 0) return needingItsUser({ ...connection, granted }, failure, now);
  return { ...connection, granted, stateEvidence: evidenceOf(failure, now), strikeTime: undefined, updateTime: now };
}

function afterStrike(connection: Connection, failure: Failure, now: Timestamp): Connection {
  // One of the future is of before the clock was set back.
  if (connection.strikeTime === undefined || now < connection.strikeTime) {
    return { ...connection, strikeTime: now, heldUntil: now + STRIKE_INTERVAL, updateTime: now };
  }
  // An intermittent refusal that is asked for again at once says nothing new.
  if (now < connection.strikeTime + STRIKE_INTERVAL) return connection;
  // A single such refusal was no reason to send the user away; two are.
  return needingItsUser(connection, { ...failure, reason: 'REAUTHORIZATION_REQUIRED' }, now);
}

function evidenceOf(failure: Failure, now: Timestamp): Connection['stateEvidence'] {
  return {
    reason: failure.reason,
    entraError: failure.entraError,
    correlationId: failure.correlationId,
    time: now,
  };
}
