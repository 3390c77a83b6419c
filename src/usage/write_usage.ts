import { type Duration, MINUTE } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { UsageStore } from '../store/usage_store_interface.ts';
import type { UsageNotes } from './usage_notes.ts';

const PERIOD: Duration = MINUTE;
const BATCH = 500;

export interface UsageWriterParts {
  readonly store: Pick<UsageStore, 'record'>;
  readonly notes: Pick<UsageNotes, 'take' | 'restore'>;
  readonly every: Every;
}

/** Writes what was noted, once a minute and at the end. What cannot be written waits for the next time. */
export function startUsageWriter({ store, notes, every }: UsageWriterParts) {
  const writeAll = runOnceAtATime(async () => {
    for (let uses = notes.take(BATCH); uses.length > 0; uses = notes.take(BATCH)) {
      try {
        await store.record(uses);
      } catch {
        // The health check reports an unavailable database.
        notes.restore(uses);
        return;
      }
    }
  });
  const stop = every(PERIOD, () => void writeAll());
  return {
    writeAll,
    async close(): Promise<void> {
      stop();
      await writeAll();
      // What was noted during a write that was in progress.
      await writeAll();
    },
  };
}
