import { inArray, type Placeholder, type SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Build } from '../database_interface.ts';

/** Deletes at most `limit` of the rows that match. Neither dialect has a portable LIMIT for DELETE. */
export function deleteUpTo(
  limit: number | Placeholder,
  { table, key, where }: { table: PgTable; key: PgColumn; where: SQL | undefined },
): Build<unknown> {
  return (db) => db.delete(table).where(inArray(key, db.select({ key }).from(table).where(where).limit(limit)));
}
