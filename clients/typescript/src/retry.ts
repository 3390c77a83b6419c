import { setTimeout } from 'node:timers/promises';
import { TokenVaultError } from './token_vault_error.ts';

const ATTEMPTS = 4;
/** Milliseconds before the second attempt after a connection that broke off or was refused. */
const FIRST_PAUSE = 100;

/**
 * Repeats a call that failed with UNAVAILABLE or RESOURCE_EXHAUSTED, after the delay of its RetryInfo. Without an answer
 * of the vault, it is repeated after short pauses. Fails with the last error once the time is up, or would be.
 */
export async function withRetries<Response>(
  timeout: number,
  attempt: (timeLeft: number) => Promise<Response>,
): Promise<Response> {
  const deadline = performance.now() + timeout;
  for (let count = 1; ; count += 1) {
    try {
      return await attempt(Math.max(1, deadline - performance.now()));
    } catch (error) {
      const pause = pauseAfter(error, count);
      if (pause === undefined || count === ATTEMPTS || performance.now() + pause >= deadline) throw error;
      await setTimeout(pause);
    }
  }
}

/** Whether a repetition can help. */
export function isRetryable({ code }: TokenVaultError): boolean {
  return code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED';
}

/** Undefined: no retry. */
function pauseAfter(error: unknown, count: number): number | undefined {
  if (!(error instanceof TokenVaultError) || !isRetryable(error)) return undefined;
  if (error.retryAfter !== undefined) return error.retryAfter * (1 + 0.2 * Math.random());
  return FIRST_PAUSE * 2 ** (count - 1) * (0.5 + Math.random());
}
