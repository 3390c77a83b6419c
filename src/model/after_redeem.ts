import { DAY, type Duration, MINUTE, type Timestamp, timeLeft } from './clock.ts';
import { type Account, type Connection, isSameAccount } from './connection.ts';
import { isGrantSound, withDerivedState } from './connection_resources.ts';
import type { Failure, Granted, Outcome } from './exchange.ts';
import { keepAliveTimeAfter } from './grant.ts';
import { STRIKE_INTERVAL } from './resource_issue.ts';
import { issueAfter, stateReasonOf } from './resource_refusal.ts';

/** A blocked connection is tried again at most this often: an administrator must act first. */
export const BLOCKED_PROBE_INTERVAL: Duration = DAY;
/** Entra refuses a client that repeats equal requests for 5 minutes (50196). */
export const LOOPING_COOLDOWN: Duration = 5 * MINUTE;

/**
 * The connection as an answer of Entra leaves it; the same object where nothing changed. A refusal of one resource leaves the others
 * as they are, and a refusal that is neither about a resource nor about the grant leaves the whole connection so.
 */
export function afterRedeem(connection: Connection, outcome: Outcome, now: Timestamp, resource: string): Connection {
  switch (outcome.kind) {
    case 'granted':
      return afterGranted(connection, outcome, now, resource);
    case 'looping':
      return { ...connection, heldUntil: now + LOOPING_COOLDOWN, updateTime: now };
    case 'reauthorize':
    case 'consent':
    case 'blocked':
    case 'suspect':
      if (outcome.subject === 'resource') return afterResourceRefused(connection, outcome, now, resource);
      return outcome.subject === 'connection' ? afterGrantRefused(connection, outcome, now) : connection;
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
  resource: string,
): Connection {
  const { [resource]: issue, ...resourceIssues } = connection.resourceIssues;
  const after = withDerivedState({
    ...connection,
    account: refreshed(connection.account, account),
    granted: { ...connection.granted, [resource]: accessToken.permissions },
    resourceIssues,
    verifyTime: now,
    lastRefreshTime: now,
    firstSuspectTime: undefined,
    heldUntil: undefined,
    keepAliveTime: keepAliveTimeAfter(connection.uid, now),
  });
  // A refresh is no change: whoever read the connection before may still act on what was read.
  const isUnchanged = isUsual(connection) && issue === undefined && after.account?.email === connection.account?.email;
  return isUnchanged ? after : { ...after, updateTime: now };
}

/** Names stay as the grant brought them; the e-mail address follows the id token, where it has one. */
function refreshed(known: Account | undefined, told: Account | undefined): Account | undefined {
  if (known === undefined) return told;
  if (told?.email === undefined || told.email === known.email || !isSameAccount(told, known)) return known;
  return { ...known, email: told.email };
}

/** ACTIVE before, and verified: the redemption confirms what was known. */
function isUsual({ grantState, stateReason, verifyTime }: Connection): boolean {
  return grantState === 'ACTIVE' && stateReason === undefined && verifyTime !== undefined;
}

/** How long Entra is left alone about this connection; 0: it may be asked. */
export function cooldownRemaining(connection: Connection, now: Timestamp): Duration {
  const { grantState, heldUntil } = connection;
  if (heldUntil === undefined) return 0;
  const isBlocked = grantState === 'BLOCKED' && !isGrantSound(connection);
  return timeLeft(heldUntil, now, isBlocked ? BLOCKED_PROBE_INTERVAL : LOOPING_COOLDOWN);
}

function afterResourceRefused(connection: Connection, failure: Failure, now: Timestamp, resource: string): Connection {
  const isSound = isGrantSound(connection);
  // An unknown answer does not tell that Entra takes the grant again.
  if (!isSound && failure.kind === 'suspect') return afterStrike(connection, failure, now);
  const known = { issue: connection.resourceIssues[resource], granted: connection.granted[resource] };
  const issue = issueAfter(failure, known, now);
  if (issue === known.issue) return connection;
  const { [resource]: _, ...others } = connection.granted;
  return withDerivedState({
    ...connection,
    granted: issue.state === 'CONSENT_REQUIRED' ? others : connection.granted,
    resourceIssues: { ...connection.resourceIssues, [resource]: issue },
    // What Entra says of a resource, it says after it took the grant.
    ...(isSound
      ? {}
      : { firstSuspectTime: undefined, heldUntil: undefined, keepAliveTime: keepAliveTimeAfter(connection.uid, now) }),
    updateTime: now,
  });
}

function afterGrantRefused(connection: Connection, failure: Failure, now: Timestamp): Connection {
  switch (failure.kind) {
    case 'suspect':
      return afterStrike(connection, failure, now);
    case 'blocked':
      return {
        ...withoutGrant(connection, failure, now),
        grantState: 'BLOCKED',
        heldUntil: now + BLOCKED_PROBE_INTERVAL,
      };
    default:
      return withoutGrant(connection, failure, now);
  }
}

/** All resources take the state of the grant, also those that waited for consent. */
function withoutGrant(connection: Connection, failure: Failure, now: Timestamp): Connection {
  const waiting = Object.entries(connection.resourceIssues).map(([uri, { requested = [] }]) => [uri, requested]);
  return {
    ...connection,
    granted: { ...Object.fromEntries(waiting), ...connection.granted },
    resourceIssues: {},
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateReason: stateReasonOf(failure, now),
    firstSuspectTime: undefined,
    heldUntil: undefined,
    keepAliveTime: undefined,
    updateTime: now,
  };
}

function afterStrike(connection: Connection, failure: Failure, now: Timestamp): Connection {
  // One of the future is of before the clock was set back.
  if (connection.firstSuspectTime === undefined || now < connection.firstSuspectTime) {
    return { ...connection, firstSuspectTime: now, heldUntil: now + STRIKE_INTERVAL, updateTime: now };
  }
  // An intermittent refusal that is asked for again at once says nothing new.
  if (now < connection.firstSuspectTime + STRIKE_INTERVAL) return connection;
  // A single such refusal was no reason to send the user away; two are. Both were doubtful, so the refresh token may be sound all the same.
  const after = withoutGrant(connection, { ...failure, reason: 'REAUTHORIZATION_REQUIRED' }, now);
  return { ...after, stateReason: after.stateReason && { ...after.stateReason, mayPass: true } };
}
