import { type Column, gt, lte, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Duration, Timestamp } from '../../model/clock.ts';
import { type Build, type Database, placeholder } from '../database_interface.ts';

/**
 * Reads rows that are due, most overdue first. Then rows whose due time is further ahead than `longestWait` allows: they were written while
 * the clock was ahead. `select` sorts by the due time and limits by the placeholder `limit`.
 */
export function createDueRows<Row>(
  database: Database,
  name: string,
  { time, longestWait, select }: { time: PgColumn; longestWait: Duration; select: (when: SQL) => Build<Row[]> },
) {
  const due = database.rows(name, select(lte(time, placeholder(time, 'now'))));
  const tooFarAhead = database.rows(`${name}PutOff`, select(gt(time, placeholder(time, 'latest'))));
  return async (now: Timestamp, limit: number): Promise<readonly Row[]> => {
    const rows = await due.all({ now, limit });
    if (rows.length >= limit) return rows;
    return [...rows, ...(await tooFarAhead.all({ latest: now + longestWait, limit: limit - rows.length }))];
  };
}

/** A due time of 0 or below. Always differs from the stored one, so that a writer that read the row before is rejected. */
export function markDue(time: Column): SQL {
  return sql`CASE WHEN ${time} <= 0 THEN ${time} - 1 ELSE 0 END`;
}
