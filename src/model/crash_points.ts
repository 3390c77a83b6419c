/** Where a test may kill the process. */
export type CrashPoint = RefreshCrashPoint | RotationCrashPoint;

/** 5-refresh, "Crash points". The last two belong to whoever answers the caller. */
export type RefreshCrashPoint =
  | 'before_lease'
  | 'after_lease'
  | 'after_entra'
  | 'after_record'
  | 'after_audit'
  | 'after_reply';

/** Each stands after what it is named for, and before the next thing is done. */
export type RotationCrashPoint =
  /** The rotation stands in the database; Graph was asked nothing. */
  | 'rotation_begun'
  /** An orphan of an earlier try was removed at Entra. */
  | 'rotation_orphan_removed'
  /** Graph gave the new secret; it is in memory alone. */
  | 'rotation_added'
  /** The new secret is stored. */
  | 'rotation_sealed'
  /** Entra takes the new one; it is not preferred yet. */
  | 'rotation_proved'
  | 'rotation_preferred'
  /** The day of success is over; the old one is still there. */
  | 'rotation_watched'
  /** Entra has forgotten the old one; the vault has not. */
  | 'rotation_removed'
  | 'rotation_done';

export interface CrashPoints {
  reach(point: CrashPoint): void | Promise<void>;
}
