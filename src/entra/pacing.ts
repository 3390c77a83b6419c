import type { Clock, Duration, Timestamp } from '../model/clock.ts';
import { HOUR, MINUTE, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { Priority } from './authorization_server.ts';
import type { CircuitOptions } from './circuit.ts';
import type { EntraMetrics } from './entra_metrics.ts';
import { createLane, type Lane, type Waiter } from './lane.ts';

/** Lets exchanges through at a pace that Entra bears, so that one slow directory does not starve the others. */
export interface Pacing {
  /** OVERLOADED, ENTRA_THROTTLED, ENTRA_UNAVAILABLE; or the signal's reason when the waiting was ended. */
  acquire(request: SlotRequest): Promise<Slot>;
  throttledUntil(appUid: string): Timestamp | undefined;
}

export interface SlotRequest {
  readonly appUid: string;
  readonly directory: string;
  readonly priority: Priority;
  readonly signal: AbortSignal | undefined;
}

/** The right to ask Entra, one request after the other. */
export interface Slot {
  /** How Entra took the request. `strange`: an answer that nobody knows, which says nothing of its health. */
  report(answer: 'answered' | 'unanswered' | 'strange' | { readonly throttledFor: Duration }): void;
  /** Whether a second try may leave now; takes it off the budget. */
  mayRetry(): boolean;
  release(): void;
}

export interface PacingOptions {
  /** Per app and directory. */
  readonly inFlight: number;
  readonly waiting: number;
  /** Over all. */
  readonly totalInFlight: number;
  readonly totalWaiting: number;
  /** Retries for each first try; 0.1 is a tenth. */
  readonly retryBudget: number;
  /** Retries that may be saved up. */
  readonly retrySavings: number;
  readonly circuit: CircuitOptions;
}

export const PACING_DEFAULTS: PacingOptions = {
  inFlight: 8,
  waiting: 32,
  totalInFlight: 64,
  totalWaiting: 2048,
  retryBudget: 0.1,
  retrySavings: 5,
  circuit: { threshold: 0.5, size: 20, minimumCalls: 5, firstPause: SECOND, longestPause: MINUTE },
};

/** Retry-After is never believed beyond this. */
export const LONGEST_THROTTLE: Duration = HOUR;

const PRIORITIES = ['FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND'] as const satisfies readonly Priority[];
const MOST_LANES = 4096;

export function createPacing(parts: { clock: Clock; options: PacingOptions; metrics: EntraMetrics }): Pacing {
  const { clock, options, metrics } = parts;
  const lanes = new Map<string, Lane>();
  /** Lanes with somebody waiting, the one served longest ago first. */
  const queueing = new Set<Lane>();
  let inFlight = 0;
  let waiting = 0;

  function laneOf(appUid: string, directory: string): Lane {
    const key = `${appUid} ${directory}`;
    const found = lanes.get(key);
    if (found !== undefined) return found;
    if (lanes.size >= MOST_LANES) {
      for (const [name, lane] of lanes) if (lane.isForgettable()) lanes.delete(name);
    }
    const made = createLane({ appUid, clock, options, onCircuitOpened: () => metrics.circuitOpened() });
    lanes.set(key, made);
    return made;
  }

  function turnAway(error: VaultError): never {
    metrics.turnedAway(error.reason);
    throw error;
  }

  /** Hands free slots to those who wait: by priority over all lanes, in turns among the lanes. */
  function pump(): void {
    for (const priority of PRIORITIES) {
      for (let served = true; served && inFlight < options.totalInFlight; ) {
        served = false;
        for (const lane of [...queueing]) {
          if (inFlight >= options.totalInFlight) return;
          if (lane.hasRoom() && serve(lane, priority)) served = true;
        }
      }
    }
  }

  function serve(lane: Lane, priority: Priority): boolean {
    const waiter = lane.takeWaiter(priority);
    if (waiter === undefined) return false;
    leaveQueue(lane);
    if (lane.waitingCount() > 0) queueing.add(lane);
    waiter.admit(enter(lane));
    return true;
  }

  function leaveQueue(lane: Lane, count = 1): void {
    waiting -= count;
    metrics.waiting(waiting);
    // Set keeps the order of adding: the lane goes to the end of the line.
    queueing.delete(lane);
  }

  function dismiss(lane: Lane, error: VaultError): void {
    const waiters = lane.takeAllWaiters();
    if (waiters.length === 0) return;
    leaveQueue(lane, waiters.length);
    for (const waiter of waiters) {
      metrics.turnedAway(error.reason);
      waiter.refuse(error);
    }
  }

  function enter(lane: Lane): Slot {
    const isTrial = lane.enter();
    inFlight += 1;
    metrics.inFlight(inFlight);
    let reported = false;
    let released = false;
    return {
      report(answer) {
        reported = true;
        const refusal = lane.record(answer, isTrial);
        if (refusal !== undefined) dismiss(lane, refusal);
      },
      mayRetry() {
        if (lane.refusal() !== undefined || !lane.takeRetry()) return false;
        metrics.retry();
        return true;
      },
      release() {
        if (released) return;
        released = true;
        lane.leave(isTrial && !reported);
        inFlight -= 1;
        metrics.inFlight(inFlight);
        pump();
      },
    };
  }

  function wait(lane: Lane, request: SlotRequest): Promise<Slot> {
    if (lane.waitingCount() >= options.waiting || waiting >= options.totalWaiting) {
      const displaced = lane.takeLastBelow(request.priority);
      if (displaced === undefined) turnAway(overloaded());
      leaveQueue(lane);
      metrics.turnedAway('OVERLOADED');
      displaced.refuse(overloaded());
    }
    return new Promise<Slot>((resolve, reject) => {
      const { signal } = request;
      const onAbort = () => {
        if (!lane.removeWaiter(waiter)) return;
        const others = lane.waitingCount() > 0;
        leaveQueue(lane);
        if (others) queueing.add(lane);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        priority: request.priority,
        admit(slot) {
          signal?.removeEventListener('abort', onAbort);
          resolve(slot);
        },
        refuse(error) {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      lane.addWaiter(waiter);
      queueing.add(lane);
      waiting += 1;
      metrics.waiting(waiting);
      pump();
    });
  }

  return {
    async acquire(request) {
      request.signal?.throwIfAborted();
      const lane = laneOf(request.appUid, request.directory);
      const refusal = lane.refusal();
      if (refusal !== undefined) turnAway(refusal);
      const isFree = lane.hasRoom() && lane.waitingCount() === 0 && inFlight < options.totalInFlight;
      return isFree ? enter(lane) : wait(lane, request);
    },
    throttledUntil(appUid) {
      let latest: Timestamp | undefined;
      for (const lane of lanes.values()) {
        if (lane.appUid !== appUid) continue;
        const until = lane.throttledUntil();
        if (until !== undefined && (latest === undefined || until > latest)) latest = until;
      }
      return latest;
    },
  };
}

function overloaded(): VaultError {
  return new VaultError(
    'OVERLOADED',
    'Too many exchanges with Entra wait for this app and directory; ask again shortly.',
    {
      retryAfter: SECOND,
    },
  );
}
