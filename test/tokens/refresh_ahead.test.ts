import { expect, test } from 'vitest';
import { HOUR, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { CachedToken } from '../../src/tokens/access_token_cache.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { createRefreshAhead } from '../../src/tokens/refresh_ahead_of_expiry.ts';
import { silentTokenMetrics } from '../../src/tokens/token_metrics_interface.ts';
import { createStoppedClock } from './token_world.ts';

const START = Date.parse('2026-05-01T12:00:00Z');

function opened(chance = 0.5) {
  const clock = createStoppedClock(START);
  const lags: number[] = [];
  const failures: string[] = [];
  const metrics = {
    ...silentTokenMetrics,
    refreshLag: (lag: number) => void lags.push(lag),
    refreshAheadFailed: (reason: string) => void failures.push(reason),
  };
  const ahead = createRefreshAhead({ clock, random: () => chance, metrics });
  const token = { served: { accessToken: { refreshTime: START - HOUR } }, aheadTime: 0 } as CachedToken;
  return { ...ahead, clock, lags, failures, token };
}

test('while a token is replaced, it is not due again for 30 s', () => {
  const { start, token } = opened();
  start(token, () => new Promise(() => {}));
  expect(token.aheadTime).toBe(START + 30 * SECOND);
});

test('a token that was replaced reports how late that was', async () => {
  const { start, token, clock, lags, failures } = opened();
  start(token, async () => {
    clock.advance(SECOND);
    return {} as ServedToken;
  });
  await expect.poll(() => lags).toEqual([HOUR + SECOND]);
  expect(failures).toEqual([]);
});

test.each([
  ['a fault of the program', new Error('a fault'), 0.5, 30 * SECOND, 'INTERNAL'],
  ['a failure without a time to retry', new VaultError('DATABASE_UNAVAILABLE', 'x'), 0.5, 30 * SECOND, undefined],
  ['a failure to retry soon', new VaultError('ENTRA_THROTTLED', 'x', { retryAfter: 1 }), 0.5, 30 * SECOND, undefined],
  ['one to retry later', new VaultError('ENTRA_THROTTLED', 'x', { retryAfter: HOUR }), 0.5, HOUR, undefined],
  ['one to retry later', new VaultError('ENTRA_THROTTLED', 'x', { retryAfter: HOUR }), 0, 0.9 * HOUR, undefined],
  ['one to retry later', new VaultError('ENTRA_THROTTLED', 'x', { retryAfter: HOUR }), 1, 1.1 * HOUR, undefined],
])('after %s the next attempt follows after a pause, spread by chance', async (_, error, chance, pause, reason) => {
  const { start, token, failures } = opened(chance);
  start(token, () => Promise.reject(error));
  await expect.poll(() => failures).toEqual([reason ?? (error as VaultError).reason]);
  expect(token.aheadTime).toBeCloseTo(START + pause);
});

test('after the end nothing is replaced', () => {
  const { start, stop, token } = opened();
  stop();
  start(token, () => expect.unreachable());
  expect(token.aheadTime).toBe(0);
});
