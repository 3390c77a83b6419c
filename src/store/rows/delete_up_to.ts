import { asc, inArray, type Placeholder, type SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Build } from '../database_interface.ts';

interface Deletion {
  readonly table: PgTable;
  readonly key: PgColumn;
  readonly where: SQL | undefined;
  /** The rows with the lowest values of it. Default: any. */
  readonly lowest?: PgColumn;
}

/** Deletes at most `limit` of the rows that match. Neither dialect has a portable LIMIT for DELETE. */
export function deleteUpTo(limit: number | Placeholder, { table, key, where, lowest }: Deletion): Build<unknown> {
  const order = lowest === undefined ? [] : [asc(lowest)];
  return (db) =>
    db.delete(table).where(
      inArray(
        key,
        db
          .select({ key })
          .from(table)
          .where(where)
          .orderBy(...order)
          .limit(limit),
      ),
    );
}
