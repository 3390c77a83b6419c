import { type Duration, SECOND } from '../model/clock.ts';
import type { ContainedSet } from '../model/contained_set.ts';
import type { Timers } from '../model/monotonic_timers.ts';
import type { AccessTokenRequest, ServedToken } from './access_token_service_interface.ts';
import type { TokenMetrics } from './token_metrics_interface.ts';

/** A cache hit costs next to nothing, and a suspension takes effect within a second. */
const POLL_INTERVAL: Duration = SECOND;

/**
 * The current token, then each new one. Each poll is a `get`: it starts the refresh ahead when that is due, waits for the refresh once
 * `minTtl` of the old token begins, and throws when the connection is not served any more.
 */
export async function* watchAccessToken(
  request: AccessTokenRequest,
  parts: {
    readonly getUncounted: (request: AccessTokenRequest) => ServedToken | Promise<ServedToken>;
    readonly contained: Pick<ContainedSet, 'listen'>;
    readonly timers: Timers;
    readonly metrics: TokenMetrics;
  },
): AsyncGenerator<ServedToken, void, void> {
  const signal = request.signal();
  let last: ServedToken | undefined;
  const ticks = createTicks(parts.timers, signal, [parts.contained, request.ceilings]);
  try {
    while (!signal.aborted) {
      let served: ServedToken;
      try {
        served = await parts.getUncounted(request);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      if (served.accessToken.token !== last?.accessToken.token) {
        parts.metrics.served(served.source);
        yield served;
      }
      last = served;
      await ticks.next();
    }
  } finally {
    ticks.stop();
  }
}

interface ChangeSource {
  listen(listener: () => void): () => void;
}

/** Resolves `next` at each tick, when ceilings or containments change, and when the signal aborts. */
function createTicks(timers: Timers, signal: AbortSignal, sources: readonly (ChangeSource | undefined)[]) {
  let wake: (() => void) | undefined;
  const tick = () => wake?.();
  const stopTimer = timers.every(POLL_INTERVAL, tick);
  const stops = sources.map((source) => source?.listen(tick));
  signal.addEventListener('abort', tick);
  return {
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted) resolve();
      }),
    stop() {
      stopTimer();
      for (const stop of stops) stop?.();
      signal.removeEventListener('abort', tick);
    },
  };
}
