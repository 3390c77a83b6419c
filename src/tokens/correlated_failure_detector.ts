import { type Duration, HOUR, MINUTE, SECOND, type Timestamp, timeLeft } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import type { DeferredConnections } from '../telemetry/app_problem_metrics.ts';

const WINDOW: Duration = MINUTE;
const FEWEST_CONNECTIONS = 5;
const SMALLEST_SHARE = 0.2;
/** After a group's start. If both probes fail like the group, the failures of the group are applied. */
const PROBE_DELAYS: readonly Duration[] = [MINUTE, 5 * MINUTE];
/** How long equal failures are applied at once after a group was confirmed. They do not prolong it: a busy app would stay unguarded. */
const CONFIRMED_FOR: Duration = HOUR;

export interface TriedConnection {
  /** As it was before the exchange. */
  readonly connection: Connection;
  readonly resource: string;
}

export interface DeferredFailure extends TriedConnection {
  readonly failure: Failure;
  readonly time: Timestamp;
}

export type CorrelationVerdict =
  /** Not correlated: the failure changes the connection's state. */
  | { readonly kind: 'apply' }
  /** `applied`: failures of the last minute that changed states before the group was detected. `isFirst`: it was detected just now. */
  | { readonly kind: 'defer'; readonly isFirst: boolean; readonly applied: readonly DeferredFailure[] }
  /** Confirmed by the probes: all failures that were deferred. */
  | { readonly kind: 'apply_all'; readonly deferred: readonly DeferredFailure[] };

interface Trial {
  readonly connectionUid: string;
  readonly time: Timestamp;
  readonly key: string | undefined;
  readonly failure: DeferredFailure | undefined;
}

/** Equal failures of one app's connections. */
interface FailureGroup {
  readonly app: Pick<Connection, 'appUid' | 'appTenantId' | 'appId'>;
  readonly key: string;
  readonly startTime: Timestamp;
  /** By connection uid, then by resource (`WHOLE`: about the whole connection). The next connection to probe is first. */
  readonly deferred: Map<string, Map<string, DeferredFailure>>;
  probes: number;
}

export type CorrelatedFailureDetector = ReturnType<typeof createCorrelatedFailureDetector>;

/**
 * Detects that many connections of one app fail the same way at the same time. The cause is then more likely the app, its directory or
 * Entra than each of the grants, so their state changes are deferred until two probes fail the same way. A failure with the subject
 * `resource` defers that resource alone, another one the whole connection. It only decides: the caller acts on the verdict.
 */
export function createCorrelatedFailureDetector() {
  /** By app uid, then by connection and resource. */
  const trials = new Map<string, Map<string, Trial>>();
  const groups = new Map<string, FailureGroup>();
  /** Keys of confirmed groups, until when. */
  const confirmed = new Map<string, Timestamp>();

  function recentTrials(appUid: string, now: Timestamp): Map<string, Trial> {
    const tried = trials.get(appUid) ?? new Map<string, Trial>();
    forgetOld(tried, now);
    trials.set(appUid, tried);
    return tried;
  }

  function groupsDeferring(connectionUid: string, resource: string): FailureGroup[] {
    return [...groups.values()].filter((group) => isDeferred(group, connectionUid, resource));
  }

  function leave(group: FailureGroup, connectionUid: string): void {
    group.deferred.delete(connectionUid);
    if (group.deferred.size === 0) groups.delete(group.key);
  }

  /** Also of apps that are not used any more. */
  function sweep(now: Timestamp): void {
    for (const [appUid, tried] of trials) {
      forgetOld(tried, now);
      if (tried.size === 0) trials.delete(appUid);
    }
    for (const [key, until] of confirmed) if (until <= now) confirmed.delete(key);
  }

  function evaluateInGroup(group: FailureGroup, failed: DeferredFailure): CorrelationVerdict {
    const { connection, resource, time } = failed;
    const isProbe = isDeferred(group, connection.uid, resource) && probeWait(group, time) === 0;
    defer(group, failed);
    if (isProbe) group.probes++;
    if (group.probes < PROBE_DELAYS.length) return { kind: 'defer', isFirst: false, applied: [] };
    groups.delete(group.key);
    confirmed.set(group.key, time + CONFIRMED_FOR);
    return { kind: 'apply_all', deferred: failuresOf(group) };
  }

  function detectGroup(key: string, failed: DeferredFailure, tried: Map<string, Trial>): CorrelationVerdict {
    const { time } = failed;
    if (timeLeft(confirmed.get(key) ?? 0, time, CONFIRMED_FOR) > 0) return { kind: 'apply' };
    confirmed.delete(key);
    const equal = [...tried.values()].filter((trial) => trial.key === key);
    const failing = countConnections(equal);
    if (failing < FEWEST_CONNECTIONS || failing <= SMALLEST_SHARE * countConnections(tried.values())) {
      return { kind: 'apply' };
    }
    const group: FailureGroup = { app: failed.connection, key, startTime: time, deferred: new Map(), probes: 0 };
    for (const { failure } of equal) if (failure !== undefined) defer(group, failure);
    groups.set(key, group);
    return { kind: 'defer', isFirst: true, applied: failuresOf(group).filter((one) => one !== failed) };
  }

  return {
    /** Called for each exchange about a grant; `failure` is undefined where Entra granted. */
    evaluate(
      { connection, resource }: TriedConnection,
      failure: Failure | undefined,
      now: Timestamp,
    ): CorrelationVerdict {
      const { appUid, uid: connectionUid } = connection;
      const tried = recentTrials(appUid, now);
      // A success refutes earlier failures of the connection, and of this resource.
      for (const part of [WHOLE, resource]) tried.delete(`${connectionUid} ${part}`);
      const key = failure && `${appUid} ${failure.kind} ${failure.reason} ${failure.entraError ?? ''}`;
      const failed = failure && { connection, resource, failure, time: now };
      const part = failed === undefined ? resource : partOf(failed);
      tried.set(`${connectionUid} ${part}`, { connectionUid, time: now, key, failure: failed });

      const deferring = groupsDeferring(connectionUid, resource);
      if (key === undefined || failed === undefined) {
        for (const group of deferring) groups.delete(group.key);
        return { kind: 'apply' };
      }
      for (const other of deferring) if (other.key !== key) leave(other, connectionUid);
      const group = groups.get(key);
      return group === undefined ? detectGroup(key, failed, tried) : evaluateInGroup(group, failed);
    },
    /** How long requests for a resource of a deferred connection are answered locally; undefined: it is not deferred. */
    cooldownOf(connectionUid: string, resource: string, now: Timestamp): Duration | undefined {
      const [group] = groupsDeferring(connectionUid, resource);
      return group && Math.max(SECOND, probeWait(group, now));
    },
    /** One connection of each group whose probe is due, another one at each call. */
    dueProbes(now: Timestamp): readonly TriedConnection[] {
      sweep(now);
      return [...groups.values()].flatMap((group) => {
        const [next] = group.deferred;
        if (next === undefined || probeWait(group, now) > 0) return [];
        const [uid, deferred] = next;
        // To the end of the line: one revoked grant proves nothing about the others, and one that cannot be probed must not defer them.
        group.deferred.delete(uid);
        group.deferred.set(uid, deferred);
        return [...deferred.values()].slice(0, 1);
      });
    },
    /** The connection got a new grant, or was deleted. */
    release(connectionUid: string): void {
      for (const group of groups.values()) if (group.deferred.has(connectionUid)) leave(group, connectionUid);
    },
    /** How many connections of each app. */
    deferredByApp(): readonly DeferredConnections[] {
      const byApp = new Map<string, DeferredConnections>();
      for (const { app, deferred } of groups.values()) {
        const count = (byApp.get(app.appUid)?.count ?? 0) + deferred.size;
        byApp.set(app.appUid, { tenantId: app.appTenantId, appId: app.appId, count });
      }
      return [...byApp.values()];
    },
  };
}

const WHOLE = '';

function partOf({ failure, resource }: DeferredFailure): string {
  return failure.subject === 'resource' ? resource : WHOLE;
}

function isDeferred({ deferred }: FailureGroup, connectionUid: string, resource: string): boolean {
  const known = deferred.get(connectionUid);
  return known !== undefined && (known.has(WHOLE) || known.has(resource));
}

function defer({ deferred }: FailureGroup, failed: DeferredFailure): void {
  const { uid } = failed.connection;
  const known = deferred.get(uid) ?? new Map<string, DeferredFailure>();
  deferred.set(uid, known.set(partOf(failed), failed));
}

function failuresOf({ deferred }: FailureGroup): DeferredFailure[] {
  return [...deferred.values()].flatMap((known) => [...known.values()]);
}

function countConnections(trials: Iterable<Trial>): number {
  return new Set(Array.from(trials, ({ connectionUid }) => connectionUid)).size;
}

/** In the order of their times, so that the first recent one ends the search. */
function forgetOld(tried: Map<string, Trial>, now: Timestamp): void {
  for (const [id, { time }] of tried) {
    if (time <= now && now - time < WINDOW) break;
    tried.delete(id);
  }
}

/** Until the next probe; 0 when it is due. */
function probeWait({ startTime, probes }: FailureGroup, now: Timestamp): Duration {
  const delay = PROBE_DELAYS[probes] ?? 0;
  return timeLeft(startTime + delay, now, delay);
}
