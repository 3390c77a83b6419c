import { type Column, type SQL, sql } from 'drizzle-orm';

/** Sorts the first row of each tenant before the second ones, and so on, so that a limit leaves each tenant its share. */
export function turnOf(tenantUid: Column, order: SQL): SQL {
  return sql`row_number() OVER (PARTITION BY ${tenantUid} ORDER BY ${order})`;
}

/** The number of rows without the limit. */
export const TOTAL = sql<number>`count(*) OVER ()`.mapWith(Number);
