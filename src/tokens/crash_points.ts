/**
 * Where a test may kill the process (5-refresh, "Crash points"). The last two belong to whoever answers the caller.
 */
export type CrashPoint =
  | 'before_lease'
  | 'after_lease'
  | 'after_entra'
  | 'after_record'
  | 'after_audit'
  | 'after_reply';

export interface CrashPoints {
  reach(point: CrashPoint): void | Promise<void>;
}
