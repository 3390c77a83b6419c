import { type Column, type SQL, sql, type Table } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import type { Duration } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import type { Tables } from './table_definitions.ts';

/** The interface of both dialects, against which every store is written once. Each method may throw DATABASE_UNAVAILABLE. */
export interface Database {
  readonly tables: Tables;
  readonly dialect: Dialect;
  /** Several processes may use it at the same time. Then rows may become visible in another order than that of their insertion. */
  readonly isShared: boolean;
  /** Undefined: other processes cannot be woken up, and poll. */
  readonly notifications?: Notifications | undefined;
  /** Limits how long each later step of the commit waits for a row lock. Undefined: there is one writer, which waits for none. */
  readonly limitLockWait?: ((longest: Duration) => Step) | undefined;
  /** No vault was set up in it when it was opened, and only this process uses it. Only then may a root key be created. */
  readonly isEmpty: boolean;
  /** Undefined: the database is not in a file. */
  readonly filePlace: FilePlace | undefined;
  /** A statement that returns rows. It is prepared at once; PostgreSQL and the metrics use its name. */
  rows<Row>(name: string, build: Build<Row[]>): RowsStatement<Row>;
  /** A statement that changes rows and returns them. A power cut may undo it, back to the last durable commit. It may run twice. */
  volatile<Row>(name: string, build: Build<Row[]>): RowsStatement<Row>;
  /** A statement that changes rows, or selects and locks them. `orphan`: the reason of the error if a foreign key rejects it. */
  write(name: string, build: Build<unknown>, orphan?: Reason): WriteStatement;
  /** A select whose shape depends on the request. It is built at each call, which costs 20 times as much as a prepared one. */
  select<Row>(name: string, build: Build<Row[]>): Promise<Row[]>;
  /**
   * Runs prepared statements in one transaction, with no await in between. If a statement finds another number of rows than expected,
   * everything is rolled back and its index is returned.
   */
  commit(...steps: readonly Step[]): Promise<CommitResult>;
  /** If only one process can use the database: frees the leases of the process before it, and numbers events without a number. */
  takeOver(): Promise<void>;
  /** After a key was deleted: removes its bytes from the files, as far as the dialect can. */
  shred(): Promise<void>;
  /** The same within a minute, in the background, for rows that are deleted often. */
  shredSoon(): void;
  /** DATABASE_UNAVAILABLE if writes would be lost because the files were deleted, moved or replaced. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

/** Messages without content from a commit to all processes. They may be lost: reading must keep every promise. */
export interface Notifications {
  /** Sends one when its commit succeeds. */
  step(channel: string): Step;
  /** `wake` is also called after a reconnection, since messages may have been missed. */
  listen(channel: string, wake: () => void): Promise<{ close(): Promise<void> }>;
}

/** Identifies the file of a database on its disk, also on another machine that mounts the disk. */
export interface FilePlace {
  readonly inode: number;
  /** When the file was created; 0: the file system does not say. */
  readonly birthTime: number;
}

/** Expressions that differ between the two dialects. */
export interface Dialect {
  readonly kind: 'sqlite' | 'postgres';
  /** The version of the library or server. */
  readonly productVersion: SQL<string>;
  /** The clock of the database in milliseconds, by which leases expire. */
  readonly now: SQL<number>;
  labelIs(labels: Column, key: string, value: string): SQL;
  /** The end of a select in a commit. Locks for keys exclude only those for updates. Empty if there is one writer. */
  rowLock(strength: 'FOR KEY SHARE' | 'FOR UPDATE'): SQL;
  /** The physical id of a row, which finds it without an index. It may change or be reused, so a condition on the key must go with it. */
  rowid(table: Table): SQL<number>;
}

export type Db = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export type Build<Result> = (db: Db) => {
  prepare(name: string): { execute(values?: Values): Promise<Result> };
};

/** By placeholder name. */
export type Values = Record<string, unknown>;

export interface RowsStatement<Row> {
  all(values: Values): Promise<readonly Row[]>;
  first(values: Values): Promise<Row | undefined>;
}

export interface WriteStatement {
  /** Returns the number of changed rows. */
  run(values: Values): Promise<number>;
  /** For `commit`. `rows`: the number of rows that it must change, or find. */
  step(values: Values, rows?: number): Step;
}

export interface Step {
  readonly statement: WriteStatement;
  readonly values: Values;
  readonly rows: number | undefined;
}

export type CommitResult = { readonly committed: true } | { readonly committed: false; readonly refusedBy: number };

/** Durations of statements, by their fixed names, in milliseconds. */
export interface StatementMeter {
  statement(name: string, duration: Duration): void;
}

/** A placeholder that is encoded like the column's values, except that null and undefined become NULL (drizzle would write JSON `null`). */
export function placeholder(column: Column, name: string): SQL {
  return sql`${sql.param(sql.placeholder(name), {
    mapToDriverValue: (value: unknown) => (value == null ? null : column.mapToDriverValue(value)),
  })}`;
}

/** A placeholder for each of the columns, by their own names. */
export function placeholders<Columns extends Record<string, Column>>(
  columns: Columns,
): { [Key in keyof Columns]: SQL } {
  const entries = Object.entries(columns).map(([key, column]) => [key, placeholder(column, key)]);
  return Object.fromEntries(entries);
}
