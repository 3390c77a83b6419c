import { asc, type Column, type SQL, sql } from 'drizzle-orm';
import type { Build, Database, Db } from '../database_interface.ts';

/** The part of a select that makes it one batch. */
interface Batch {
  readonly where: SQL | undefined;
  readonly order: SQL[];
  readonly limit: number;
}

/** Rows with sealed values have several kilobytes. */
const ROWS_A_BATCH = 500;

/** Reads whole tables in the order of a key, whose properties the rows have too. No transaction stays open in between. */
export function createBatchReader(database: Database) {
  return async function* inBatches<Row extends object>(
    key: Readonly<Record<string, Column>>,
    select: (db: Db, batch: Batch) => ReturnType<Build<Row[]>>,
  ): AsyncGenerator<Row> {
    const columns = Object.values(key);
    const order = columns.map((column) => asc(column));
    for (let where: SQL | undefined; ; ) {
      const batch = { where, order, limit: ROWS_A_BATCH };
      const rows = await database.select('verify.batch', (db) => select(db, batch));
      yield* rows;
      if (rows.length < ROWS_A_BATCH) return;
      const last: Record<string, unknown> = { ...rows.at(-1) };
      where = sql`(${listOf(columns)}) > (${listOf(Object.keys(key).map((name) => last[name]))})`;
    }
  };
}

function listOf(parts: readonly unknown[]): SQL {
  return sql.join(
    parts.map((part) => sql`${part}`),
    sql`, `,
  );
}
