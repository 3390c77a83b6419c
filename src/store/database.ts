import { type Column, type SQL, sql, type Table } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import type { Duration } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import type { Tables } from './tables.ts';

/** The one face of both dialects: every store is written once over it. Each method may throw DATABASE_UNAVAILABLE. */
export interface Database {
  readonly tables: Tables;
  readonly dialect: Dialect;
  /** When it was opened, no vault had been set up in it yet: only then may a root key be made. */
  readonly isEmpty: boolean;
  /** Undefined: it lies in no file. */
  readonly filePlace: FilePlace | undefined;
  /** A statement that answers rows. Prepared here and now; named for PostgreSQL and the metrics. */
  rows<Row>(name: string, build: Build<Row[]>): RowsStatement<Row>;
  /** A statement that changes rows and answers them; a power cut may undo it, up to the last durable commit. */
  volatile<Row>(name: string, build: Build<Row[]>): RowsStatement<Row>;
  /** A statement that changes rows. `orphan`: the reason to give when a foreign key refuses it. */
  write(name: string, build: Build<unknown>, orphan?: Reason): WriteStatement;
  /** A select whose shape depends on the request: built at each call, 20 times as costly as a prepared one. */
  select<Row>(name: string, build: Build<Row[]>): Promise<Row[]>;
  /**
   * Runs ready-made statements in one transaction that crosses no await. Where a statement changed another number of
   * rows than it expects, everything is rolled back and its index answered.
   */
  commit(...steps: readonly Step[]): Promise<CommitResult>;
  /** Where one process alone has the database: frees what the one before it may have held, so that a crash keeps nobody waiting. */
  freeLeases(): Promise<void>;
  /** After a key was deleted: makes its bytes vanish from the files, as far as the dialect can. */
  shred(): Promise<void>;
  /** The same within a minute, for what is deleted often: nobody waits for it. */
  shredSoon(): void;
  /** DATABASE_UNAVAILABLE where what is written would be lost, as its files were deleted, moved or replaced. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

/** Which file of its disk a database is. Another machine that gets the disk sees the same. */
export interface FilePlace {
  readonly inode: number;
  /** When the file was made; 0: the file system does not say. */
  readonly birthTime: number;
}

/** What the two dialects say differently. */
export interface Dialect {
  /** The database's own clock, in milliseconds: the judge over leases. */
  readonly now: SQL<number>;
  labelIs(labels: Column, key: string, value: string): SQL;
  /** Where a row lies: finds it again without an index. It may lie elsewhere later, and another there, so its key must be asked too. */
  place(table: Table): SQL<number>;
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
  /** How many rows it changed. */
  run(values: Values): Promise<number>;
  /** For `commit`; `rows`: how many it must change. */
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

/** A placeholder that is encoded as the column's values are, but for null, which drizzle would write as JSON. */
export function placeholder(column: Column, name: string): SQL {
  return sql`${sql.param(sql.placeholder(name), {
    mapToDriverValue: (value: unknown) => (value === null ? null : column.mapToDriverValue(value)),
  })}`;
}

/** A placeholder for each of the columns, by their own names. */
export function placeholders<Columns extends Record<string, Column>>(
  columns: Columns,
): { [Key in keyof Columns]: SQL } {
  const entries = Object.entries(columns).map(([key, column]) => [key, placeholder(column, key)]);
  return Object.fromEntries(entries);
}
