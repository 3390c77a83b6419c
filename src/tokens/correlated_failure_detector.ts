import { type Duration, HOUR, MINUTE, SECOND, type Timestamp, timeLeft } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { Failure } from '../model/exchange.ts';

const WINDOW: Duration = MINUTE;
const FEWEST_ALIKE = 5;
const SMALLEST_SHARE = 0.2;
/** After the storm's start; like failures at both mark all. */
const PROBE_DELAYS: readonly Duration[] = [MINUTE, 5 * MINUTE];
/** A storm that proved real: so long its stragglers are marked at once. Not longer for their coming, or a busy app would stay without the guard. */
const CONFIRMED_LIFE: Duration = HOUR;

/**
 * The second guard of 4-entra: when many connections of one app fail alike, the app, its directory or Entra is more
 * likely ill than each of the grants. They are held, and only two more like failures mark them.
 * A failure with the subject `resource` holds that resource alone, another one the whole connection.
 * Counts, and nothing else: who asks must do what it says.
 */
export interface CorrelatedFailureDetector {
  /** Each exchange about a grant, `failure` undefined where it went well. `mark`: go on as if there were no storm. */
  judge(tried: TriedConnection, failure: Failure | undefined, now: Timestamp): CorrelationVerdict;
  /** Milliseconds for which a resource of a held connection is answered locally; undefined: it is not held. */
  holdOf(connectionUid: string, resource: string, now: Timestamp): Duration | undefined;
  /** One connection of each storm whose probe is due, another one at each call. */
  dueProbes(now: Timestamp): readonly TriedConnection[];
  /** The connection got a new grant, or is gone. */
  release(connectionUid: string): void;
  readonly deferredCount: number;
}

export interface TriedConnection {
  /** As it was before. */
  readonly connection: Connection;
  readonly resource: string;
}

export type CorrelationVerdict =
  | { readonly kind: 'mark' }
  /** `marked`: those of the last minute that were marked before the storm showed. */
  | { readonly kind: 'hold'; readonly began: boolean; readonly marked: readonly DeferredFailure[] }
  /** The storm is real: all that it held. */
  | { readonly kind: 'mark_all'; readonly held: readonly DeferredFailure[] };

export interface DeferredFailure extends TriedConnection {
  readonly failure: Failure;
  readonly time: Timestamp;
}

interface Trial {
  readonly connectionUid: string;
  readonly time: Timestamp;
  readonly key: string | undefined;
  readonly held: DeferredFailure | undefined;
}

/** By resource; by `''` what is about the whole connection. */
type DeferredOfConnection = Map<string, DeferredFailure>;

interface Storm {
  readonly key: string;
  readonly startTime: Timestamp;
  readonly held: Map<string, DeferredOfConnection>;
  probes: number;
}

const MARK: CorrelationVerdict = { kind: 'mark' };

export function createCorrelatedFailureDetector(): CorrelatedFailureDetector {
  const trials = new Map<string, Map<string, Trial>>();
  const correlatedFailures = new Map<string, Storm>();
  const confirmed = new Map<string, Timestamp>();

  function recent(appUid: string, now: Timestamp): Map<string, Trial> {
    const tried = trials.get(appUid) ?? new Map<string, Trial>();
    forgetOld(tried, now);
    trials.set(appUid, tried);
    return tried;
  }

  function stormsHolding(connectionUid: string, resource: string): Storm[] {
    return [...correlatedFailures.values()].filter(({ held }) => isHeld(held.get(connectionUid), resource));
  }

  function leave(storm: Storm, connectionUid: string): void {
    storm.held.delete(connectionUid);
    if (storm.held.size === 0) end(storm);
  }

  function end(storm: Storm): void {
    correlatedFailures.delete(storm.key);
  }

  /** Of apps, too, that nobody asks for any more. */
  function sweep(now: Timestamp): void {
    for (const [appUid, tried] of trials) {
      forgetOld(tried, now);
      if (tried.size === 0) trials.delete(appUid);
    }
    for (const [key, until] of confirmed) if (until <= now) confirmed.delete(key);
  }

  return {
    judge({ connection, resource }, failure, now) {
      const { appUid, uid: connectionUid } = connection;
      const tried = recent(appUid, now);
      // A success refutes what was held against the connection, and against this resource.
      for (const part of [WHOLE, resource]) tried.delete(idOf(connectionUid, part));
      const key = failure && `${appUid} ${failure.kind} ${failure.reason} ${failure.entraError ?? ''}`;
      const held = failure && { connection, resource, failure, time: now };
      const part = failure !== undefined && failure.subject !== 'resource' ? WHOLE : resource;
      tried.set(idOf(connectionUid, part), { connectionUid, time: now, key, held });

      const holding = stormsHolding(connectionUid, resource);
      if (failure === undefined || key === undefined || held === undefined) {
        for (const storm of holding) end(storm);
        return MARK;
      }
      for (const other of holding) if (other.key !== key) leave(other, connectionUid);
      const storm = correlatedFailures.get(key);
      if (storm !== undefined) {
        const probed = isHeld(storm.held.get(connectionUid), resource) && waitOf(storm, now) === 0;
        hold(storm, held);
        if (probed) storm.probes++;
        if (storm.probes < PROBE_DELAYS.length) return { kind: 'hold', began: false, marked: [] };
        end(storm);
        confirmed.set(key, now + CONFIRMED_LIFE);
        return { kind: 'mark_all', held: failuresOf(storm) };
      }
      if (timeLeft(confirmed.get(key) ?? 0, now, CONFIRMED_LIFE) > 0) return MARK;
      confirmed.delete(key);
      const alike = [...tried.values()].filter((trial) => trial.key === key);
      const failing = countConnections(alike);
      if (failing < FEWEST_ALIKE || failing <= SMALLEST_SHARE * countConnections(tried.values())) return MARK;
      const began: Storm = { key, startTime: now, held: new Map(), probes: 0 };
      for (const trial of alike) if (trial.held !== undefined) hold(began, trial.held);
      correlatedFailures.set(key, began);
      return { kind: 'hold', began: true, marked: failuresOf(began).filter((one) => one !== held) };
    },
    holdOf(connectionUid, resource, now) {
      const [storm] = stormsHolding(connectionUid, resource);
      return storm && Math.max(SECOND, waitOf(storm, now));
    },
    dueProbes(now) {
      sweep(now);
      return [...correlatedFailures.values()].flatMap((storm) => {
        const [next] = storm.held;
        if (next === undefined || waitOf(storm, now) > 0) return [];
        const [uid, held] = next;
        // To the end of the line: one dead grant is no proof against the others, and one that cannot be asked must not keep them held.
        storm.held.delete(uid);
        storm.held.set(uid, held);
        return [...held.values()].slice(0, 1);
      });
    },
    release(connectionUid) {
      for (const storm of correlatedFailures.values()) if (storm.held.has(connectionUid)) leave(storm, connectionUid);
    },
    get deferredCount() {
      let count = 0;
      for (const storm of correlatedFailures.values()) count += storm.held.size;
      return count;
    },
  };
}

const WHOLE = '';

function idOf(connectionUid: string, part: string): string {
  return `${connectionUid} ${part}`;
}

function isHeld(held: DeferredOfConnection | undefined, resource: string): boolean {
  return held !== undefined && (held.has(WHOLE) || held.has(resource));
}

function hold({ held }: Storm, failed: DeferredFailure): void {
  const { connection, failure, resource } = failed;
  const known: DeferredOfConnection = held.get(connection.uid) ?? new Map();
  known.set(failure.subject === 'resource' ? resource : WHOLE, failed);
  held.set(connection.uid, known);
}

function failuresOf({ held }: Storm): DeferredFailure[] {
  return [...held.values()].flatMap((known) => [...known.values()]);
}

function countConnections(trials: Iterable<Trial>): number {
  const uids = new Set<string>();
  for (const { connectionUid } of trials) uids.add(connectionUid);
  return uids.size;
}

/** In the order of their times, so that the first young one ends the search. */
function forgetOld(tried: Map<string, Trial>, now: Timestamp): void {
  for (const [id, { time }] of tried) {
    if (time <= now && now - time < WINDOW) break;
    tried.delete(id);
  }
}

/** Until the next probe; 0 when it is due. */
function waitOf({ startTime, probes }: Storm, now: Timestamp): Duration {
  const delay = PROBE_DELAYS[probes] ?? 0;
  return timeLeft(startTime + delay, now, delay);
}
