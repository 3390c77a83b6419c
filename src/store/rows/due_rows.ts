import { gt, lte, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Duration, Timestamp } from '../../model/clock.ts';
import { type Build, type Database, placeholder } from '../database.ts';

export type DueRows<Row> = (now: Timestamp, limit: number) => Promise<readonly Row[]>;

/**
 * Rows whose time has come, most overdue first; then those that wait longer than anybody has to: a clock that ran ahead wrote them, and was
 * set back. `select`: in the order of that time, up to the placeholder `limit`.
 */
export function createDueRows<Row>(
  database: Database,
  name: string,
  { time, longestWait, select }: { time: PgColumn; longestWait: Duration; select: (when: SQL) => Build<Row[]> },
): DueRows<Row> {
  const due = database.rows(name, select(lte(time, placeholder(time, 'now'))));
  const putOff = database.rows(`${name}PutOff`, select(gt(time, placeholder(time, 'latest'))));
  return async (now, limit) => {
    const rows = await due.all({ now, limit });
    if (rows.length >= limit) return rows;
    return [...rows, ...(await putOff.all({ latest: now + longestWait, limit: limit - rows.length }))];
  };
}
