import type { Duration, Timestamp } from '../../model/clock.ts';

/** When a group of connections may send its next trial during a cooldown: one per interval. */
export function createTrialSchedule(interval: Duration, start: Timestamp) {
  let dueTime = start;
  /** The last trial, until its result is known. */
  let open: { readonly requester: string; readonly dueTime: Timestamp } | undefined;
  return {
    get dueTime(): Timestamp {
      return dueTime;
    },
    /** A request is sent. It is the trial, if one is due. */
    begin(requester: string, now: Timestamp) {
      if (dueTime > now) return;
      open = { requester, dueTime };
      dueTime = now + interval;
    },
    /** The trial had a result: the next one is due after the interval. */
    count() {
      open = undefined;
    },
    /** The trial of this requester had no result: the next one is due at once. */
    undo(requester: string) {
      if (open?.requester !== requester) return;
      dueTime = open.dueTime;
      open = undefined;
    },
    /** Resets a time that is further ahead than possible: the clock was set back. */
    limit(now: Timestamp, longest: Duration) {
      if (dueTime - now > longest) dueTime = now;
    },
  };
}
