import { type Duration, SECOND } from '../model/clock.ts';
import type { VaultEvent } from '../model/event.ts';
import type { Every } from '../model/timers.ts';
import type { OutboxStore } from '../store/background_stores.ts';

const LOOK_EVERY: Duration = SECOND;
/** Looks that told nothing. Whoever follows keeps a cursor that is not much older than what the vault has read for it, and proxies see traffic. */
const QUIET_LOOKS = 10;
const BATCH = 500;

/** Begins with the cursor alone: who breaks off before the first event knows where to go on. */
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
  yield { event: undefined, cursor };
  while (!signal.aborted) {
    const batch = await outbox.read(cursor, BATCH);
    quiet += 1;
    for (const { sequence, event } of batch) {
      if (signal.aborted) return;
      cursor = sequence;
      if (!isWanted(event)) continue;
      quiet = 0;
      yield { event, cursor };
    }
    if (quiet >= QUIET_LOOKS) {
      quiet = 0;
      yield { event: undefined, cursor };
    }
    if (batch.length < BATCH) await next(every, signal);
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
    const stop = every(LOOK_EVERY, done);
    signal.addEventListener('abort', done);
  });
}

export interface StreamedEvent {
  /** Undefined: nothing for this audience up to the cursor. */
  readonly event: VaultEvent | undefined;
  readonly cursor: number;
}
