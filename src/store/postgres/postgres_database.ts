import { fillPlaceholders, type Query, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { QueryConfig, QueryResult } from 'pg';
import type { Reason } from '../../model/errors.ts';
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
import { translated } from '../translate_database_error.ts';
import type { PostgresConnections } from './postgres_connections.ts';
import { StepError } from './postgres_errors.ts';
import { createListen } from './postgres_notifications.ts';
import { type PostgresStep, transact } from './postgres_transaction.ts';
import { runRepeatable } from './run_repeatable_statement.ts';
import * as schema from './schema.ts';
import { inOneWrite } from './send_in_one_write.ts';

export interface PostgresDatabaseParts {
  readonly connections: PostgresConnections;
  /** Past a pooler, for notifications. Default: `connections`. */
  readonly direct?: Pick<PostgresConnections, 'connect' | 'close'> | undefined;
  /** Prepared statements with names: faster, but PgBouncer supports them from version 1.21 on only. */
  readonly namedStatements: boolean;
  readonly meter: StatementMeter | undefined;
}

type RunQuery = (config: QueryConfig, values: unknown[]) => Promise<QueryResult>;

/** The database of several replicas. No statement needs the state of a session, so that poolers such as PgBouncer work. */
export function createPostgresDatabase(parts: PostgresDatabaseParts): Database {
  const { connections, direct = connections, namedStatements, meter } = parts;
  const writes = new WeakMap<WriteStatement, { toStep(values: Values): PostgresStep; orphan: Reason | undefined }>();
  const reading = builder(read);
  const volatile = builder(commitAsynchronously);

  async function observed<T>(name: string, orphan: Reason | undefined, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } catch (error) {
      throw translated(error, orphan);
    } finally {
      meter?.statement(name, performance.now() - start);
    }
  }

  function read(config: QueryConfig, values: unknown[]): Promise<QueryResult> {
    return runRepeatable(connections, (client) => client.query(config, values));
  }

  /** A crash of the server may undo the commit. One round trip: after an error, COMMIT rolls back. */
  function commitAsynchronously(config: QueryConfig, values: unknown[]): Promise<QueryResult> {
    return runRepeatable(connections, async (client) => {
      const sent = inOneWrite(
        client,
        () =>
          [
            client.query('BEGIN; SET LOCAL synchronous_commit = off'),
            client.query(config, values),
            client.query('COMMIT'),
          ] as const,
      );
      // The connection is free only when all have ended.
      await Promise.allSettled(sent);
      const [, result] = await Promise.all(sent);
      return result;
    });
  }

  function rows<Row>(db: Db, name: string, build: Build<Row[]>): RowsStatement<Row> {
    const prepared = build(db).prepare(namedStatements ? name : (undefined as unknown as string));
    const all = (values: Values) => observed(name, undefined, () => prepared.execute(values));
    return { all, first: async (values) => (await all(values))[0] };
  }

  async function commit(name: string, steps: readonly Step[]) {
    const known = steps.map(({ statement, values, rows }) => {
      const write = writes.get(statement);
      if (write === undefined) throw new TypeError('The statement belongs to another database');
      return { step: { ...write.toStep(values), rows }, orphan: write.orphan };
    });
    const run = () =>
      transact(
        connections,
        known.map(({ step }) => step),
      );
    return observed(name, undefined, () =>
      run().catch((error: unknown) => {
        throw error instanceof StepError ? translated(error.cause, known[error.index]?.orphan) : error;
      }),
    );
  }

  function write(name: string, build: Build<unknown>, orphan?: Reason): WriteStatement {
    const { sql: text, params } = (build(reading) as unknown as { toSQL(): Query }).toSQL();
    const toStep = (values: Values): PostgresStep => ({
      name: namedStatements ? name : undefined,
      text,
      values: fillPlaceholders(params, values),
      rows: undefined,
    });
    const statement: WriteStatement = {
      async run(values) {
        const result = await commit(name, [{ statement, values, rows: undefined }]);
        return result.kind === 'committed' ? (result.changed[0] ?? 0) : 0;
      },
      step: (values, rows) => ({ statement, values, rows }),
    };
    writes.set(statement, { toStep, orphan });
    return statement;
  }

  const notify = write('notify', (db) =>
    db.select({ sent: sql`pg_notify(${sql.placeholder('channel')}, '')` }).from(sql`(SELECT 1) AS one`),
  );

  const limitLockWait = write('lockTimeout', (db) =>
    db
      .select({ set: sql`set_config('lock_timeout', ${sql.placeholder('longest')}, true)` })
      .from(sql`(SELECT 1) AS one`),
  );

  return {
    tables: schema,
    dialect,
    isShared: true,
    notifications: { step: (channel) => notify.step({ channel }), listen: createListen(direct.connect) },
    limitLockWait: (longest) => limitLockWait.step({ longest: `${longest}ms` }),
    // Never, so that no replica creates a root key of its own.
    isEmpty: false,
    filePlace: undefined,
    rows: (name, build) => rows(reading, name, build),
    volatile: (name, build) => rows(volatile, name, build),
    write,
    select: (name, build) =>
      observed(name, undefined, () =>
        build(reading)
          .prepare(undefined as unknown as string)
          .execute(),
      ),
    async commit(...steps) {
      const result = await commit('commit', steps);
      return result.kind === 'committed' ? { committed: true } : { committed: false, refusedBy: result.index };
    },
    // Other replicas may hold them; those of a process that ended expire.
    async takeOver() {},
    // PostgreSQL removes the bytes of deleted rows with VACUUM, and from its log when it recycles it.
    async shred() {},
    shredSoon() {},
    async verify() {
      await observed('verify', undefined, () => connections.use((client) => client.query('SELECT 1')));
    },
    async close() {
      for (const one of new Set([connections, direct])) await one.close();
    },
  };
}

/** The clock of the server; the transaction's start would make a lease too short. */
const dialect: Dialect = {
  kind: 'postgres',
  productVersion: sql<string>`current_setting('server_version')`,
  now: sql<number>`CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)`,
  labelIs: (labels, key, value) => sql`${labels} ->> ${key} = ${value}`,
  rowLock: (strength) => sql.raw(strength),
  // No physical id is portable. The condition on the key finds the row.
  rowid: () => sql<number>`0`,
};

/** Builds drizzle's queries, and runs them with `run`. */
function builder(run: RunQuery): Db {
  return drizzle({ client: { query: run } as never }) as unknown as Db;
}
