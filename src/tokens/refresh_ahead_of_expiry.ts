import { type Duration, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { CachedToken } from './access_token_cache.ts';
import type { ServedToken } from './access_token_service_interface.ts';
import type { TokenParts } from './token_dependencies.ts';

/** Between two attempts for one token. */
const SHORTEST_PAUSE: Duration = 30 * SECOND;

export type RefreshAhead = ReturnType<typeof createRefreshAhead>;

/**
 * Replaces tokens in use before they expire, so that callers do not wait. The first hit past `refreshTime` starts it. After a failure
 * the old token is served until it expires.
 */
export function createRefreshAhead({ clock, random, metrics }: Pick<TokenParts, 'clock' | 'random' | 'metrics'>) {
  let stopped = false;

  async function replace(cached: CachedToken, refresh: () => Promise<ServedToken>): Promise<void> {
    const due = cached.served.accessToken.refreshTime;
    try {
      await refresh();
      metrics.refreshLag(clock.now() - due);
    } catch (error) {
      const retryAfter = error instanceof VaultError ? (error.retryAfter ?? 0) : 0;
      cached.aheadTime = clock.now() + Math.max(retryAfter, SHORTEST_PAUSE) * (0.9 + 0.2 * random());
      metrics.refreshAheadFailed(error instanceof VaultError ? error.reason : 'INTERNAL');
    }
  }

  return {
    start(cached: CachedToken, refresh: () => Promise<ServedToken>): void {
      if (stopped) return;
      cached.aheadTime = clock.now() + SHORTEST_PAUSE;
      void replace(cached, refresh);
    },
    stop(): void {
      stopped = true;
    },
  };
}
