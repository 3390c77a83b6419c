import { DAY, type Duration, MINUTE, type Timestamp, timeLeft } from './clock.ts';
import { type Account, type Connection, isSameAccount } from './connection.ts';
import { keepAliveTimeAfter } from './connection_grant.ts';
import { SUSPECT_INTERVAL } from './connection_resource_issue.ts';
import { issueAfter, stateReasonOf } from './connection_resource_issue_after_refusal.ts';
import { isGrantSound, withDerivedState } from './connection_resource_states.ts';
import type { Failure, Granted, Outcome } from './token_request_outcome.ts';

/** Between two attempts for a blocked connection: an administrator must act first. */
export const BLOCKED_PROBE_INTERVAL: Duration = DAY;
/** Entra refuses a client that repeats equal requests for 5 minutes (50196). */
export const LOOPING_COOLDOWN: Duration = 5 * MINUTE;

/**
 * The connection after Entra's response; the same object if nothing changed. A refusal of one resource does not change the others. A
 * refusal that is neither about a resource nor about the grant changes nothing.
 */
export function afterRedeem(connection: Connection, outcome: Outcome, now: Timestamp, resource: string): Connection {
  switch (outcome.kind) {
    case 'granted':
      return afterGranted(connection, outcome, now, resource);
    case 'loop_detected':
      return { ...connection, heldUntil: now + LOOPING_COOLDOWN, updateTime: now };
    case 'reauthorize':
    case 'consent':
    case 'blocked':
    case 'ambiguous':
      if (outcome.subject === 'resource') return afterResourceRefused(connection, outcome, now, resource);
      return outcome.subject === 'connection' ? afterGrantRefused(connection, outcome, now) : connection;
    case 'transient':
    case 'throttled':
    case 'app_credential':
    case 'app_config':
    case 'caller':
    case 'vault_fault':
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
  // A refresh does not count as a change: callers may still act on what they read before.
  const isUnchanged = isUsual(connection) && issue === undefined && after.account?.email === connection.account?.email;
  return isUnchanged ? after : { ...after, updateTime: now };
}

/** Names stay as they were when the user connected; the e-mail address follows the id token, if it has one. */
function refreshed(known: Account | undefined, current: Account | undefined): Account | undefined {
  if (known === undefined) return current;
  if (current?.email === undefined || current.email === known.email || !isSameAccount(current, known)) return known;
  return { ...known, email: current.email };
}

/** ACTIVE and verified before: the redemption only confirms it. */
function isUsual({ grantState, stateReason, verifyTime }: Connection): boolean {
  return grantState === 'ACTIVE' && stateReason === undefined && verifyTime !== undefined;
}

/** How long Entra is not called for this connection; 0: it may be called. */
export function cooldownRemaining(connection: Connection, now: Timestamp): Duration {
  const { grantState, heldUntil } = connection;
  if (heldUntil === undefined) return 0;
  const isBlocked = grantState === 'BLOCKED' && !isGrantSound(connection);
  return timeLeft(heldUntil, now, isBlocked ? BLOCKED_PROBE_INTERVAL : LOOPING_COOLDOWN);
}

function afterResourceRefused(connection: Connection, failure: Failure, now: Timestamp, resource: string): Connection {
  const isSound = isGrantSound(connection);
  // An ambiguous response does not prove that Entra accepts the grant again.
  if (!isSound && failure.kind === 'ambiguous') return afterSuspect(connection, failure, now);
  const known = { issue: connection.resourceIssues[resource], granted: connection.granted[resource] };
  const issue = issueAfter(failure, known, now);
  if (issue === known.issue) return connection;
  const { [resource]: _, ...others } = connection.granted;
  return withDerivedState({
    ...connection,
    granted: issue.state === 'CONSENT_REQUIRED' ? others : connection.granted,
    resourceIssues: { ...connection.resourceIssues, [resource]: issue },
    // Entra checks a resource only after it accepted the grant.
    ...(isSound
      ? {}
      : { firstSuspectTime: undefined, heldUntil: undefined, keepAliveTime: keepAliveTimeAfter(connection.uid, now) }),
    updateTime: now,
  });
}

function afterGrantRefused(connection: Connection, failure: Failure, now: Timestamp): Connection {
  switch (failure.kind) {
    case 'ambiguous':
      return afterSuspect(connection, failure, now);
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

/** All resources get the state of the grant, also those that waited for consent. */
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

function afterSuspect(connection: Connection, failure: Failure, now: Timestamp): Connection {
  // A time in the future dates from before the clock was set back.
  if (connection.firstSuspectTime === undefined || now < connection.firstSuspectTime) {
    return { ...connection, firstSuspectTime: now, heldUntil: now + SUSPECT_INTERVAL, updateTime: now };
  }
  // An intermittent refusal that is repeated at once proves nothing new.
  if (now < connection.firstSuspectTime + SUSPECT_INTERVAL) return connection;
  // One ambiguous refusal does not make the user sign in again; two do. The refresh token may still be valid.
  const after = withoutGrant(connection, { ...failure, reason: 'REAUTHORIZATION_REQUIRED' }, now);
  return { ...after, stateReason: after.stateReason && { ...after.stateReason, mayPass: true } };
}
