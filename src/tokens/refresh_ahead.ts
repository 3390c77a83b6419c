import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { ServedToken } from './access_tokens.ts';
import type { CachedToken } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';

/** Between two attempts for one token. */
const SHORTEST_PAUSE: Duration = 30 * SECOND;

/**
 * Replaces tokens in use before they end, so that callers do not wait. Started by the first hit past `refreshTime`;
 * a failure leaves the old token to be served as long as it lives.
 */
export interface RefreshAhead {
  start(cached: CachedToken, refresh: () => Promise<ServedToken>): void;
  end(): void;
}

export interface RefreshAheadParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: TokenMetrics;
}

export function createRefreshAhead({ clock, random, metrics }: RefreshAheadParts): RefreshAhead {
  let ended = false;

  async function replace(cached: CachedToken, refresh: () => Promise<ServedToken>): Promise<void> {
    const due = cached.fresh.accessToken.refreshTime;
    try {
      await refresh();
      metrics.refreshLag(clock.now() - due);
    } catch (error) {
      const wanted = error instanceof VaultError ? (error.retryAfter ?? 0) : 0;
      cached.aheadTime = clock.now() + Math.max(wanted, SHORTEST_PAUSE) * (0.9 + 0.2 * random());
      metrics.refreshAheadFailed(error instanceof VaultError ? error.reason : 'INTERNAL');
    }
  }

  return {
    start(cached, refresh) {
      if (ended) return;
      cached.aheadTime = clock.now() + SHORTEST_PAUSE;
      void replace(cached, refresh);
    },
    end() {
      ended = true;
    },
  };
}
