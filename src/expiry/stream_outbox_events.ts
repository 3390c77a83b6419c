import { type Duration, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { VaultEvent } from '../model/vault_event.ts';
import type { OutboxStore } from '../store/background_store_interfaces.ts';

const READ_EVERY: Duration = SECOND;
/** Reads without a matching event before a message with only the cursor: the reader's cursor stays current, and proxies see traffic. */
const QUIET_READS = 10;
const BATCH = 500;

/**
 * Follows the outbox. The first message has only the cursor, so that a reader interrupted before the first event
 * can continue. So has one after the stored events if the last of them do not match: the reader has all.
 */
export async function* follow({
  outbox,
  every,
  after,
  isWanted,
  signal,
}: {
  readonly outbox: Pick<OutboxStore, 'read'>;
  readonly every: Every;
  readonly after: number;
  readonly isWanted: (event: VaultEvent) => boolean;
  readonly signal: AbortSignal;
}): AsyncGenerator<StreamedEvent, void, void> {
  let cursor = after;
  let quiet = 0;
  let [sent, hasAll] = [after, false];
  yield { event: undefined, cursor };
  while (!signal.aborted) {
    const batch = await outbox.read(cursor, BATCH);
    quiet += 1;
    for (const { number, event } of batch) {
      if (signal.aborted) return;
      cursor = number;
      if (!isWanted(event)) continue;
      quiet = 0;
      sent = cursor;
      yield { event, cursor };
    }
    const isUpToDate = batch.length < BATCH;
    if (quiet >= QUIET_READS || (isUpToDate && !hasAll && sent !== cursor)) {
      quiet = 0;
      sent = cursor;
      yield { event: undefined, cursor };
    }
    hasAll ||= isUpToDate;
    if (isUpToDate) await next(every, signal);
  }
}

function next(every: Every, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = every(READ_EVERY, done);
    signal.addEventListener('abort', done);
  });
}

export interface StreamedEvent {
  /** Undefined: no matching event up to the cursor. */
  readonly event: VaultEvent | undefined;
  readonly cursor: number;
}
