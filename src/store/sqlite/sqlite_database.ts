import type SqliteConnection from 'better-sqlite3';
import { type Query, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { SECOND } from '../../model/clock.ts';
import { type Reason, VaultError } from '../../model/errors.ts';
import type {
  Build,
  Database,
  Db,
  Dialect,
  RowsStatement,
  StatementMeter,
  Step,
  Values,
  WriteStatement,
} from '../database_interface.ts';
import type { Tables } from '../table_definitions.ts';
import { translated } from '../translate_database_error.ts';
import { createBind } from './bind_parameters.ts';
import { createCommitGroup } from './group_commit.ts';
import type { OpenFiles } from './open_database_file_guard.ts';
import * as schema from './schema.ts';
import { codeOf, otherTables } from './unusable_database_error.ts';
import { createLogCutter } from './wal_truncation_scheduler.ts';

export interface SqliteDatabaseParts {
  client: SqliteConnection.Database;
  files: OpenFiles;
  isEmpty: boolean;
  meter: StatementMeter | undefined;
  /** Releases the lock on the file. */
  onClose: () => void;
}

// No process that could hold one is alive. The partial index over leases finds the few that exist.
export const TAKE_OVER = [
  'UPDATE connections SET lease_owner = NULL, lease_until = NULL, lease_id = lower(hex(randomblob(16))) WHERE lease_until IS NOT NULL',
  "UPDATE leases SET owner = '', until = 0",
  // Events that a copy of a shared database brought before their numbers.
  `UPDATE outbox SET number = visible.number FROM (
     SELECT event.sequence AS sequence, counter.position + row_number() OVER (ORDER BY event.sequence) AS number
       FROM outbox AS event, feed AS counter WHERE counter.name = 'outbox' AND event.number IS NULL) AS visible
     WHERE outbox.sequence = visible.sequence`,
  `UPDATE feed SET position = (SELECT max(number) FROM outbox)
     WHERE name = 'outbox' AND position < (SELECT max(number) FROM outbox)`,
];

/** better-sqlite3 is synchronous, so a transaction here cannot cross an await. */
export function createSqliteDatabase({ client, files, isEmpty, meter, onClose }: SqliteDatabaseParts): Database {
  // Stores use PostgreSQL's types: both dialects build the same statements and decode the same rows.
  const db = drizzle(client) as unknown as Db;
  const tables = schema as unknown as Tables;
  const runs = new WeakMap<WriteStatement, { run(values: Values): number; orphan: Reason | undefined; name: string }>();

  function observed<T>(name: string, orphan: Reason | undefined, work: () => T): T {
    const start = meter === undefined ? 0 : performance.now();
    try {
      return work();
    } catch (error) {
      throw asVaultError(error, orphan);
    } finally {
      meter?.statement(name, performance.now() - start);
    }
  }

  function asVaultError(error: unknown, orphan?: Reason): unknown {
    return client.open ? translated(error, orphan) : closed();
  }

  /** What is read is durable, as if SQLite itself waited for the disk. */
  async function durablyWritten(): Promise<void> {
    if (commits.writing !== undefined) await commits.writing;
    files.beforeRead();
  }

  function rows<Row>(name: string, build: Build<Row[]>, around: (work: () => Row[]) => Row[]): RowsStatement<Row> {
    const prepared = observed(name, undefined, () => fitting(() => prepare(db, build)));
    const all = (values: Values) => observed(name, undefined, () => around(() => prepared.all(values)));
    return {
      async all(values) {
        await durablyWritten();
        return all(values);
      },
      async first(values) {
        await durablyWritten();
        return all(values)[0];
      },
    };
  }

  /** If SQLite cannot prepare a statement of the vault, the file lacks a table, a column or an index. */
  function fitting<T>(preparation: () => T): T {
    try {
      return preparation();
    } catch (error) {
      throw codeOf(error) === 'SQLITE_ERROR' ? otherTables(client.name, error) : error;
    }
  }

  function written<T>(name: string, orphan: Reason | undefined, work: () => T): T {
    return observed(name, orphan, () => {
      files.beforeWrite();
      return work();
    });
  }

  /** With WAL and NORMAL, a commit is in the log, but SQLite syncs the log only before a checkpoint. */
  function unsynced<T>(work: () => T): T {
    files.beforeWrite();
    client.exec('PRAGMA synchronous = NORMAL');
    try {
      return work();
    } finally {
      client.exec('PRAGMA synchronous = FULL');
    }
  }

  function runStep({ statement, values }: Step): number {
    const known = runs.get(statement);
    if (known === undefined) throw new TypeError('The statement belongs to another database');
    return observed(known.name, known.orphan, () => known.run(values));
  }

  function runSteps(steps: readonly Step[]): void {
    for (const [index, step] of steps.entries()) {
      const changed = runStep(step);
      if (step.rows !== undefined && changed !== step.rows) throw new Refused(index);
    }
  }

  /** SQLite itself would sync the log on the event loop, where each other call would wait for the disk as well. */
  async function durably(transaction: () => void): Promise<void> {
    const start = meter === undefined ? 0 : performance.now();
    try {
      unsynced(transaction);
      await files.sync();
    } catch (error) {
      throw asVaultError(error);
    } finally {
      meter?.statement('commit', performance.now() - start);
    }
  }

  const commits = createCommitGroup({ client, run: runSteps, durably });

  const cutter = createLogCutter(() => !client.open || files.truncateLog());

  return {
    tables,
    dialect,
    isShared: false,
    isEmpty,
    filePlace: files.place,
    rows: (name, build) => rows(name, build, (work) => work()),
    volatile: (name, build) => rows(name, build, unsynced),
    write(name, build, orphan) {
      const run = observed(name, undefined, () => fitting(() => prepareWrite(client, db, build)));
      const statement: WriteStatement = {
        run: async (values) => written(name, orphan, () => run(values)),
        step: (values, rows) => ({ statement, values, rows }),
      };
      runs.set(statement, { run, orphan, name });
      return statement;
    },
    async select(name, build) {
      await durablyWritten();
      return observed(name, undefined, () => prepare(db, build).all({}));
    },
    async commit(...steps) {
      try {
        await commits.add(steps);
        return { committed: true };
      } catch (error) {
        if (error instanceof Refused) return { committed: false, refusedBy: error.index };
        throw error;
      }
    },
    async takeOver() {
      written('takeOver', undefined, () => client.exec(TAKE_OVER.join(';')));
    },
    async shred() {
      observed('shred', undefined, cutter.now);
    },
    shredSoon: cutter.soon,
    async verify() {
      observed('verify', undefined, files.verify);
    },
    async close() {
      await commits.flush();
      files.close();
      onClose();
    },
  };
}

const dialect: Dialect = {
  kind: 'sqlite',
  productVersion: sql<string>`sqlite_version()`,
  now: sql<number>`CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  labelIs: (labels, key, value) =>
    sql`EXISTS (SELECT 1 FROM json_each(${labels}) AS label WHERE label.key = ${key} AND label.value = ${value})`,
  rowLock: () => sql.empty(),
  rowid: (table) => sql<number>`${table}.rowid`,
};

/** better-sqlite3 throws a TypeError for it, which would look like a bug. */
function closed(): VaultError {
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    'The database is closed because the vault is stopping. Retry against a running vault.',
    {
      metadata: { fault: 'closed' },
      retryAfter: SECOND,
    },
  );
}

/** The synchronous form of drizzle's prepared queries, with this driver. */
interface SyncPrepared<Row> {
  all(values: Values): Row[];
}

function prepare<Row>(db: Db, build: Build<Row[]>): SyncPrepared<Row> {
  return (build(db) as unknown as { prepare(): SyncPrepared<Row> }).prepare();
}

/** Runs without drizzle, since it returns no rows to decode. */
function prepareWrite(client: SqliteConnection.Database, db: Db, build: Build<unknown>): (values: Values) => number {
  const query = (build(db) as unknown as { toSQL(): Query }).toSQL();
  const statement = client.prepare(query.sql);
  const bind = createBind(query.params);
  if (statement.reader) return (values) => statement.all(...bind(values)).length;
  return (values) => statement.run(...bind(values)).changes;
}

/** Thrown out of better-sqlite3's transaction function to roll it back. */
class Refused extends Error {
  readonly index: number;
  constructor(index: number) {
    super('refused');
    this.index = index;
  }
}
