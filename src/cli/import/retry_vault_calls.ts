import type { Duration } from '../../model/clock.ts';
import { RpcError } from '../../rpc/grpc_client.ts';

/**
 * Repeats a call that may succeed later, at the pace that the vault and Entra ask for. Throws RetriesExhausted when the vault
 * no longer answers any call, Interrupted, or the error of the call.
 */
export type Retry = <Answer>(call: () => Promise<Answer>) => Promise<Answer>;

/** The vault has not answered any call for as long as `patience`. */
export class RetriesExhausted extends Error {
  override readonly name = 'RetriesExhausted';
  readonly last: RpcError;

  constructor(last: RpcError) {
    super(`Gave up after repeated failures. Last error: ${last.message}`, { cause: last });
    this.last = last;
  }
}

/** A signal stopped the import during a pause. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface RetryParts {
  readonly patience: Duration;
  readonly signal: AbortSignal;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Rejects when the signal is aborted. */
  readonly sleep: (duration: Duration, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly onWaiting?: ((error: RpcError, pause: Duration) => void) | undefined;
  readonly onAnswer?: (() => void) | undefined;
}

const FIRST_PAUSE: Duration = 200;
const MAX_PAUSE: Duration = 10_000;

export function createRetry({ patience, signal, now, sleep, random, onWaiting, onAnswer }: RetryParts): Retry {
  let lastAnswer = now();

  return async (call) => {
    let since: number | undefined;
    for (let pauses = 0; ; pauses += 1) {
      if (signal.aborted) throw new Interrupted();
      let refusal: RpcError;
      try {
        const answer = await call();
        lastAnswer = now();
        onAnswer?.();
        return answer;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        refusal = error;
      }
      if (!isRetryable(refusal)) {
        lastAnswer = now();
        throw refusal;
      }
      const pause = pauseAfter(refusal, pauses, random());
      // Throttling with Retry-After is not an outage, however long it lasts.
      if (refusal.reason === 'ENTRA_THROTTLED') {
        lastAnswer = now();
        since = undefined;
      } else {
        // Not measured from the first pause: a vault that hangs also costs the time of the calls.
        since ??= now();
        // If other calls were answered in the meantime, only this call fails.
        if (now() + pause - since > patience) throw lastAnswer <= since ? new RetriesExhausted(refusal) : refusal;
      }
      onWaiting?.(refusal, pause);
      await sleep(pause, signal).catch(() => {
        throw new Interrupted();
      });
    }
  };
}

/** With jitter, so that waiting calls do not return at the same time. */
function pauseAfter({ retryAfter = 0 }: RpcError, pauses: number, random: number): Duration {
  const growing = Math.min(FIRST_PAUSE * 2 ** pauses, MAX_PAUSE);
  return Math.max(retryAfter, growing) * (1 + random / 2);
}

const RETRYABLE = new Set(['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'ABORTED', 'DEADLINE_EXCEEDED']);
/** Codes of a call that breaks off when the vault is killed. An error of a running vault has its own reason, or a request id. */
const BROKEN_OFF = new Set(['INTERNAL', 'CANCELLED', 'UNKNOWN']);

/** Entra refused one refresh token with an error that may be temporary. Other calls do not wait for it. */
export function isDoubtful({ metadata }: Pick<RpcError, 'metadata'>): boolean {
  return metadata['doubtful'] === 'true';
}

/** A repetition is safe: an import whose answer was lost then answers CONNECTION_EXISTS. */
function isRetryable(refusal: RpcError): boolean {
  if (isDoubtful(refusal)) return false;
  const { code, reason, metadata } = refusal;
  return RETRYABLE.has(code) || (BROKEN_OFF.has(code) && reason === code && metadata['request'] === undefined);
}
