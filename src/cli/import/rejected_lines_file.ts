import { type Duration, MINUTE } from '../../model/clock.ts';
import type { RpcError } from '../../rpc/client.ts';
import { messageOf } from '../error_text.ts';
import { type Entry, nameOf } from './entry.ts';
import type { Report } from './report.ts';

/** One entry of the source, and its line. */
export interface EntryAt {
  readonly thing: Entry;
  readonly line: number;
}

/**
 * Entries whose refresh tokens Entra refused in a way that may pass. The vault rejects such a token at a second refusal a minute
 * later, never at the first one, so each gets a second attempt after all others; what is doubtful even then is reported as such.
 */
export interface SecondAttempts {
  /** Settles at once, or, where there is no room for it, when it is reported. */
  add(entry: EntryAt, refusal: RpcError): Promise<void>;
  /** Each once more, when a minute has passed since its first attempt; ends early when a signal comes. */
  again(): AsyncIterable<EntryAt>;
  /** Reports those that had no second attempt. */
  reportRest(): Promise<void>;
}

/** Their refresh tokens stay in memory. */
const MOST_KEPT = 10_000;

interface Kept {
  readonly entry: EntryAt;
  readonly refusal: RpcError;
  readonly dueTime: number;
}

export function createSecondAttempts(parts: {
  readonly report: Report;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Rejects when a signal comes. */
  readonly pause: (duration: Duration) => Promise<void>;
}): SecondAttempts {
  const { report, now, pause } = parts;
  const waiting: Kept[] = [];
  let isSecond = false;

  const leaveOut = ({ thing, line }: EntryAt, { reason, message }: Pick<RpcError, 'reason' | 'message'>) =>
    report.leaveOut('connection', {
      outcome: 'DOUBTFUL',
      line,
      what: nameOf(thing),
      reason,
      why: messageOf({ reason, message }),
      nextStep: 'Entra may accept it later: run the import again.',
    });

  /** False: a signal came before. */
  const passes = (duration: Duration) =>
    pause(duration).then(
      () => true,
      () => false,
    );

  return {
    async add(entry, refusal) {
      if (isSecond || waiting.length >= MOST_KEPT) return leaveOut(entry, refusal);
      waiting.push({ entry, refusal, dueTime: now() + (refusal.retryAfter ?? MINUTE) });
    },
    async *again() {
      isSecond = true;
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        const rest = next.dueTime - now();
        if (rest > 0 && !(await passes(rest))) return;
        waiting.shift();
        yield next.entry;
      }
    },
    async reportRest() {
      for (const { entry, refusal } of waiting.splice(0)) await leaveOut(entry, refusal);
    },
  };
}
