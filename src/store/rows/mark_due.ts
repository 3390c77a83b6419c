import { type Column, type SQL, sql } from 'drizzle-orm';

/** For the time at which somebody must look: at once. Another value than before, also where it was due already: who is about to write by what they read is refused. */
export function markDue(time: Column): SQL {
  return sql`CASE WHEN ${time} <= 0 THEN ${time} - 1 ELSE 0 END`;
}
