import { type Duration, SECOND } from '../model/clock.ts';
import type { Timers } from '../model/timers.ts';
import type { AccessTokenRequest, ServedToken } from './access_tokens.ts';
import type { TokenMetrics } from './token_metrics.ts';

/** A look at memory costs next to nothing, and shows a suspension within a second. */
const LOOK_EVERY: Duration = SECOND;

/**
 * The present token, then each new one. A look is a `get`: it starts the refresh ahead when that is due,
 * waits for the refresh once the old token's `minTtl` begins, and throws what stands in the way.
 */
export async function* watch(
  request: AccessTokenRequest,
  parts: {
    readonly look: (request: AccessTokenRequest) => ServedToken | Promise<ServedToken>;
    readonly timers: Timers;
    readonly metrics: TokenMetrics;
  },
): AsyncGenerator<ServedToken, void, void> {
  const signal = request.signal();
  let last: ServedToken | undefined;
  const ticks = createTicks(parts.timers, signal);
  try {
    while (!signal.aborted) {
      let fresh: ServedToken;
      try {
        fresh = await parts.look(request);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      if (fresh.accessToken !== last?.accessToken) {
        parts.metrics.served(fresh.source);
        yield fresh;
      }
      last = fresh;
      await ticks.next();
    }
  } finally {
    ticks.end();
  }
}

/** Resolves `next` at each tick, and at the signal's end. */
function createTicks(timers: Timers, signal: AbortSignal) {
  let wake: (() => void) | undefined;
  const tick = () => wake?.();
  const stop = timers.every(LOOK_EVERY, tick);
  signal.addEventListener('abort', tick);
  return {
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted) resolve();
      }),
    end() {
      stop();
      signal.removeEventListener('abort', tick);
    },
  };
}
