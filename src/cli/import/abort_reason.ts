import { type Duration, SECOND } from '../../model/clock.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { Interruption } from './interruption.ts';
import { Interrupted, RetriesExhausted } from './retry.ts';

/** Why an import ended before its source did. */
export interface AbortReason {
  readonly why: string;
  readonly exitCode: number;
}

const AGAIN = 'Run the same command again to go on: what is in already is left alone.';

/** Throws what nobody foresaw. */
export function abortReason(error: unknown, interruption: Interruption, patience: Duration): AbortReason {
  if (error instanceof Interrupted) return interrupted(interruption);
  if (error instanceof RetriesExhausted) {
    const why = `Stopped: nothing was answered for ${patience / SECOND} s (${messageOf(error.last)}). ${AGAIN}`;
    return { why, exitCode: EXIT.UNAVAILABLE };
  }
  if (error instanceof CommandError) return { why: `Stopped: ${error.message}`, exitCode: error.exitCode };
  throw error;
}

export function interrupted({ exitCode }: Interruption): AbortReason {
  return { why: `Interrupted: what was under way is done, the rest was not read. ${AGAIN}`, exitCode };
}
