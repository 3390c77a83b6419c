import { type Duration, MINUTE } from '../../model/clock.ts';
import type { RpcError } from '../../rpc/grpc_client.ts';
import { messageOf } from '../error_text.ts';
import type { Report } from './collect_import_results.ts';
import { type Entry, nameOf } from './connection_to_import.ts';

/** An entry of the source with its line. */
export interface EntryAt {
  readonly thing: Entry;
  readonly line: number;
}

/** Limits the refresh tokens in memory. */
const MAX_WAITING = 10_000;

/**
 * Entries whose refresh token Entra refused with an error that may be temporary. The vault rejects such a token at the second
 * refusal, a minute after the first one, so each entry gets a second attempt after all others. An entry that is refused again
 * with such an error is reported as doubtful.
 */
export type SecondAttempts = ReturnType<typeof createSecondAttempts>;

export function createSecondAttempts(parts: {
  readonly report: Report;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Rejects when the import is interrupted. */
  readonly pause: (duration: Duration) => Promise<void>;
}) {
  const { report, now, pause } = parts;
  const waiting: { readonly entry: EntryAt; readonly refusal: RpcError; readonly dueTime: number }[] = [];
  let hasStarted = false;

  const reportDoubtful = ({ thing, line }: EntryAt, refusal: RpcError) =>
    report.reject('connection', {
      outcome: 'DOUBTFUL',
      line,
      what: nameOf(thing),
      reason: refusal.reason,
      why: messageOf(refusal),
      nextStep: 'Entra may accept it later: run the import again.',
    });

  return {
    /** Settles at once, or when the entry is reported because there is no room for it. */
    async add(entry: EntryAt, refusal: RpcError): Promise<void> {
      if (hasStarted || waiting.length >= MAX_WAITING) return reportDoubtful(entry, refusal);
      waiting.push({ entry, refusal, dueTime: now() + (refusal.retryAfter ?? MINUTE) });
    },
    /** Yields each entry once, a minute after its first attempt; ends early when the import is interrupted. */
    async *again(): AsyncGenerator<EntryAt> {
      hasStarted = true;
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        const rest = next.dueTime - now();
        try {
          if (rest > 0) await pause(rest);
        } catch {
          return;
        }
        waiting.shift();
        yield next.entry;
      }
    },
    /** Reports the entries without a second attempt. */
    async reportRest(): Promise<void> {
      for (const { entry, refusal } of waiting.splice(0)) await reportDoubtful(entry, refusal);
    },
  };
}
