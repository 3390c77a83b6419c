import type { Duration, Timestamp } from '../model/clock.ts';
import type { StoredChange } from '../model/resource_change_announcements.ts';

// The stores through which several processes share one database. Ages are by the clock of the database.

/** The changes feed: what was changed that other processes may cache. Rows are written in the commits that they describe. */
export interface ChangeStore {
  newest(): Promise<Pick<ChangeRow, 'position' | 'uid'> | undefined>;
  /** From a position on, in order. A row is visible only if all rows before it are. */
  read(from: number, limit: number): Promise<readonly ChangeRow[]>;
  /** Whether these stores committed the row, so that this process has applied it already. True once. */
  takeOwn(rowUid: string): boolean;
  /** Deletes up to `limit` rows that are older than `age`, but never the newest row; returns how many. */
  sweep(age: Duration, limit: number): Promise<number>;
  /** Calls `wake` soon after a commit of another process. Undefined: only reading shows changes. */
  listen(wake: () => void): Promise<Subscription | undefined>;
}

export interface ChangeRow {
  /** Grows by 1 with each row. */
  readonly position: number;
  /** Random: after a restore, another row may have the same position. */
  readonly uid: string;
  readonly change: StoredChange;
}

export interface Subscription {
  close(): Promise<void>;
}

/** Ids of commits on a shared database, which are needed until their outcome is known. */
export interface CommitIdStore {
  /** Deletes up to `limit` ids that are older than `age`; returns how many. */
  sweep(age: Duration, limit: number): Promise<number>;
}

/** The running processes. */
export interface ReplicaStore {
  /** Inserts or renews the row of a process. */
  heartbeat(replica: Replica): Promise<void>;
  remove(uid: string): Promise<void>;
  /** Processes with a heartbeat within `age`. */
  live(age: Duration): Promise<number>;
  /** The same processes, by name. */
  listLive(age: Duration): Promise<readonly ListedReplica[]>;
  /** Deletes up to `limit` processes without a heartbeat within `age`; returns how many. */
  sweep(age: Duration, limit: number): Promise<number>;
}

export interface ListedReplica extends Replica {
  /** Since its last heartbeat. */
  readonly heartbeatAge: Duration;
  /** Null: an earlier program, which does not. */
  readonly enforcesContainments: boolean | null;
}

export interface Replica {
  readonly uid: string;
  /** Host name and process id. */
  readonly name: string;
  readonly version: string;
  readonly startTime: Timestamp;
  /** The last change that it applied. */
  readonly feedPosition: number;
  readonly rootKeyIds: readonly string[];
}
