import { type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
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
 * Counts, and nothing else: who asks must do what it says.
 */
export interface StormGuard {
  /** Each exchange about a grant, `failure` undefined where it went well. `mark`: go on as if there were no storm. */
  judge(tried: TriedConnection, failure: Failure | undefined, now: Timestamp): StormVerdict;
  /** Milliseconds for which a held connection is answered locally; undefined: it is not held, or its probe is due. */
  holdOf(connectionUid: string, now: Timestamp): Duration | undefined;
  /** One connection of each storm whose probe is due, another one at each call. */
  dueProbes(now: Timestamp): readonly TriedConnection[];
  /** The connection got a new grant, or is gone. */
  release(connectionUid: string): void;
  readonly heldCount: number;
}

export interface TriedConnection {
  /** As it was before. */
  readonly connection: Connection;
  readonly resource: string;
}

export type StormVerdict =
  | { readonly kind: 'mark' }
  /** `marked`: those of the last minute that were marked before the storm showed. */
  | { readonly kind: 'hold'; readonly began: boolean; readonly marked: readonly HeldFailure[] }
  /** The storm is real: all that it held. */
  | { readonly kind: 'mark_all'; readonly held: readonly HeldFailure[] };

export interface HeldFailure extends TriedConnection {
  readonly failure: Failure;
  readonly time: Timestamp;
}

interface Trial {
  readonly time: Timestamp;
  readonly key: string | undefined;
  readonly held: HeldFailure | undefined;
}

interface Storm {
  readonly key: string;
  readonly startTime: Timestamp;
  readonly held: Map<string, HeldFailure>;
  probes: number;
}

const MARK: StormVerdict = { kind: 'mark' };

export function createStormGuard(): StormGuard {
  const trials = new Map<string, Map<string, Trial>>();
  const storms = new Map<string, Storm>();
  const confirmed = new Map<string, Timestamp>();

  function recent(appUid: string, now: Timestamp): Map<string, Trial> {
    const tried = trials.get(appUid) ?? new Map<string, Trial>();
    forgetOld(tried, now);
    trials.set(appUid, tried);
    return tried;
  }

  function stormsHolding(connectionUid: string): Storm[] {
    return [...storms.values()].filter(({ held }) => held.has(connectionUid));
  }

  function leave(storm: Storm, connectionUid: string): void {
    storm.held.delete(connectionUid);
    if (storm.held.size === 0) end(storm);
  }

  function end(storm: Storm): void {
    storms.delete(storm.key);
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
      tried.delete(connectionUid);
      const key = failure && `${appUid} ${failure.kind} ${failure.reason} ${failure.entraError ?? ''}`;
      const held = failure && { connection, resource, failure, time: now };
      tried.set(connectionUid, { time: now, key, held });

      const holding = stormsHolding(connectionUid);
      if (failure === undefined || key === undefined || held === undefined) {
        for (const storm of holding) end(storm);
        return MARK;
      }
      for (const other of holding) if (other.key !== key) leave(other, connectionUid);
      const storm = storms.get(key);
      if (storm !== undefined) {
        const probed = storm.held.has(connectionUid) && waitOf(storm, now) === 0;
        storm.held.set(connectionUid, held);
        if (probed) storm.probes++;
        if (storm.probes < PROBE_DELAYS.length) return { kind: 'hold', began: false, marked: [] };
        end(storm);
        confirmed.set(key, now + CONFIRMED_LIFE);
        return { kind: 'mark_all', held: [...storm.held.values()] };
      }
      const life = (confirmed.get(key) ?? 0) - now;
      if (life > 0 && life <= CONFIRMED_LIFE) return MARK;
      confirmed.delete(key);
      const alike = [...tried].filter(([, trial]) => trial.key === key);
      if (alike.length < FEWEST_ALIKE || alike.length <= SMALLEST_SHARE * tried.size) return MARK;
      const all = new Map(
        alike.flatMap(([uid, trial]) => (trial.held === undefined ? [] : [[uid, trial.held] as const])),
      );
      storms.set(key, { key, startTime: now, held: all, probes: 0 });
      return { kind: 'hold', began: true, marked: [...all.values()].filter((one) => one !== held) };
    },
    holdOf(connectionUid, now) {
      const [storm] = stormsHolding(connectionUid);
      return storm && Math.max(SECOND, waitOf(storm, now));
    },
    dueProbes(now) {
      sweep(now);
      return [...storms.values()].flatMap((storm) => {
        const [next] = storm.held;
        if (next === undefined || waitOf(storm, now) > 0) return [];
        const [uid, held] = next;
        // To the end of the line: one dead grant is no proof against the others, and one that cannot be asked must not keep them held.
        storm.held.delete(uid);
        storm.held.set(uid, held);
        return [held];
      });
    },
    release(connectionUid) {
      for (const storm of stormsHolding(connectionUid)) leave(storm, connectionUid);
    },
    get heldCount() {
      let count = 0;
      for (const storm of storms.values()) count += storm.held.size;
      return count;
    },
  };
}

/** In the order of their times, so that the first young one ends the search. */
function forgetOld(tried: Map<string, Trial>, now: Timestamp): void {
  for (const [uid, { time }] of tried) {
    if (time <= now && now - time < WINDOW) break;
    tried.delete(uid);
  }
}

/** Until the next probe; 0 when it is due. */
function waitOf({ startTime, probes }: Storm, now: Timestamp): Duration {
  const delay = PROBE_DELAYS[probes] ?? 0;
  const wait = startTime + delay - now;
  // More than the whole delay: the clock was set back.
  return wait > delay ? 0 : Math.max(0, wait);
}
