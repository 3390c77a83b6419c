import { setTimeout } from 'node:timers/promises';
import { isRetryable } from './retry.ts';
import { isOutage, TokenVaultError } from './token_vault_error.ts';

/** Milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/**
 * The messages of a stream that is opened again when it completes or breaks off. It ends when the signal aborts, and
 * fails when opening it again cannot help: within a second after the caller is contained.
 */
export async function* reopenedStream<Message>(
  open: () => AsyncIterable<Message>,
  signal: AbortSignal,
): AsyncGenerator<Message, void, undefined> {
  for (let failures = 0; !signal.aborted; ) {
    let wait = 0;
    try {
      for await (const message of open()) {
        failures = 0;
        yield message;
      }
    } catch (error) {
      if (!(error instanceof TokenVaultError)) throw error;
      // The credential that opened the stream has expired. A projected token has been renewed by now.
      const mayBeRenewed = failures === 0 && error.metadata['tokenFault'] === 'expired';
      if (!isOutage(error) && !isRetryable(error) && !mayBeRenewed) throw error;
      wait = error.retryAfter ?? 0;
    }
    failures += 1;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1)) * (0.5 + 0.5 * Math.random());
    await setTimeout(Math.max(wait, pause), undefined, { signal }).catch(() => undefined);
  }
}
