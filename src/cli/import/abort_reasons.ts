import { type Duration, SECOND } from '../../model/clock.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { Interruption } from '../listen_for_interruption.ts';
import { Interrupted, RetriesExhausted } from './retry_vault_calls.ts';

/** The reason why an import stopped before the end of its source. */
export interface AbortReason {
  readonly why: string;
  readonly exitCode: number;
}

const RESUME = 'Run the same command again to continue; what is imported already stays as it is.';

/** Rethrows an unexpected error. */
export function abortReason(error: unknown, interruption: Interruption, patience: Duration): AbortReason {
  if (error instanceof Interrupted) return interrupted(interruption);
  if (error instanceof RetriesExhausted) {
    const why = `Stopped: the vault has not answered for ${patience / SECOND} s (${messageOf(error.last)}). ${RESUME}`;
    return { why, exitCode: EXIT.UNAVAILABLE };
  }
  if (error instanceof CommandError) return { why: `Stopped: ${error.message}`, exitCode: error.exitCode };
  throw error;
}

export function interrupted({ exitCode }: Interruption): AbortReason {
  return { why: `Interrupted: the calls in progress were completed, and the rest was not read. ${RESUME}`, exitCode };
}
