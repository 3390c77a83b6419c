import type { Duration } from '../../model/clock.ts';
import { RpcError } from '../../rpc/client.ts';

/** Calls again what can be answered later, at the pace that the vault and Entra ask for. */
export interface Retry {
  /** Throws GaveUp when the vault answers nobody any more, Interrupted, or what the call was refused with. */
  until<Answer>(call: () => Promise<Answer>): Promise<Answer>;
}

/** Nothing was answered for as long as patience lasts. */
export class RetriesExhausted extends Error {
  override readonly name = 'GaveUp';
  readonly last: RpcError;

  constructor(last: RpcError) {
    super(`Nothing was answered for too long; the last was: ${last.message}`, { cause: last });
    this.last = last;
  }
}

/** A signal ended the run while something waited to be called again. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface RetryParts {
  /** Without an answer for so long, the vault is given up. */
  readonly patience: Duration;
  readonly signal: AbortSignal;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Rejects when the signal comes. */
  readonly sleep: (duration: Duration, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly onWaiting?: ((error: RpcError, pause: Duration) => void) | undefined;
  readonly onAnswer?: (() => void) | undefined;
}

const FIRST_PAUSE: Duration = 200;
const LONGEST_PAUSE: Duration = 10_000;

export function createRetry(parts: RetryParts): Retry {
  const { patience, signal, now, sleep, random, onWaiting, onAnswer } = parts;
  let lastAnswer = now();

  return {
    async until(call) {
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
        if (!isForLater(refusal)) {
          lastAnswer = now();
          throw refusal;
        }
        const pause = pauseAfter(refusal, pauses, random());
        // Entra tells its pace; that is no outage, however long it takes.
        if (refusal.reason === 'ENTRA_THROTTLED') {
          lastAnswer = now();
          since = undefined;
        } else {
          // A vault that hangs costs the time of the calls, too.
          since ??= now();
          // Where others were answered meanwhile, only this one is not to be had.
          if (now() + pause - since > patience) throw lastAnswer <= since ? new RetriesExhausted(refusal) : refusal;
        }
        onWaiting?.(refusal, pause);
        await sleep(pause, signal).catch(() => {
          throw new Interrupted();
        });
      }
    },
  };
}

/** At least as long as asked; apart from each other, so that those who wait do not come back together. */
function pauseAfter({ retryAfter = 0 }: RpcError, pauses: number, random: number): Duration {
  const growing = Math.min(FIRST_PAUSE * 2 ** pauses, LONGEST_PAUSE);
  return Math.max(retryAfter, growing) * (1 + random / 2);
}

const LATER = new Set(['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'ABORTED', 'DEADLINE_EXCEEDED']);
/** A vault that is killed breaks calls off so; one that lives gives a reason of its own, or a request id. */
const BROKEN_OFF = new Set(['INTERNAL', 'CANCELLED', 'UNKNOWN']);

/** Entra refused one refresh token in a way that may pass: this says nothing of other calls, so they do not wait for it. */
export function isDoubtful({ metadata }: Pick<RpcError, 'metadata'>): boolean {
  return metadata['doubtful'] === 'true';
}

/** Asking again is safe: what went in unseen answers CONNECTION_EXISTS. */
function isForLater(refusal: RpcError): boolean {
  if (isDoubtful(refusal)) return false;
  const { code, reason, metadata } = refusal;
  return LATER.has(code) || (BROKEN_OFF.has(code) && reason === code && metadata['request'] === undefined);
}
