import { type Column, getTableColumns, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Database } from '../database_interface.ts';
import { SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { Tables } from '../table_definitions.ts';

/** The number of sealed values and MACs, for a progress bar; all of `meta` are counted. */
export async function countSealedValues(database: Database): Promise<number> {
  const { apps, connections } = database.tables;
  const sealed = Object.entries(SEALED_COLUMNS).map(([name, columns]) => {
    const table: PgTable = database.tables[name as keyof Tables];
    const all: Readonly<Record<string, Column>> = getTableColumns(table);
    return { table, columns: Object.keys(columns).map((column) => all[column]) };
  });
  let total = 0;
  for (const { table, columns } of [
    ...sealed,
    { table: apps, columns: [apps.uid] },
    { table: connections, columns: [connections.uid] },
  ]) {
    // A count leaves out NULL.
    const count = sql.join(
      columns.map((column) => sql`count(${column})`),
      sql` + `,
    );
    const rows = await database.select('verify.count', (db) =>
      db.select({ count: sql<number>`${count}`.mapWith(Number) }).from(table),
    );
    total += rows[0]?.count ?? 0;
  }
  return total;
}
