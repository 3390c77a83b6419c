import { SECOND } from '../../model/clock.ts';
import type { Every } from '../../model/monotonic_timers.ts';

/** Checks that the callers of open streams may still call: after each change of the callers or the containments, and as time passes. */
export interface StreamRechecks {
  /** `check` throws if the caller may not call any more; then `end` is called. Returns the function that removes it. */
  add(check: () => void, end: () => void): () => void;
}

interface ChangeSource {
  listen(listener: () => void): unknown;
}

export function createStreamRechecks(sources: readonly ChangeSource[], every: Every): StreamRechecks {
  const streams = new Set<() => void>();
  const checkAll = () => {
    for (const check of streams) check();
  };
  for (const source of sources) source.listen(checkAll);
  let stopTimer: (() => void) | undefined;

  return {
    add(check, end) {
      const stream = () => {
        try {
          check();
        } catch {
          end();
        }
      };
      streams.add(stream);
      stopTimer ??= every(SECOND, checkAll);
      return () => {
        streams.delete(stream);
        if (streams.size > 0) return;
        stopTimer?.();
        stopTimer = undefined;
      };
    },
  };
}
