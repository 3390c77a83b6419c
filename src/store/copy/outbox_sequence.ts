import { eq, is, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { integer, SQLiteTable, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { type Database, placeholders } from '../database_interface.ts';

/** SQLite's own table of the last numbers that its sequences gave. https://www.sqlite.org/autoinc.html */
const sqliteSequence = sqliteTable('sqlite_sequence', { name: text('name'), seq: integer('seq') });
const OUTBOX = 'outbox';

/** Numbers of events that were deleted must not be given again, so the sequence is copied too. */
export async function copyOutboxSequence(source: Database, target: Database): Promise<void> {
  await write(target, await read(source));
}

async function read(database: Database): Promise<number> {
  const number = isSqlite(database)
    ? database.select('copy.sequence', (db) =>
        db.select({ last: sql<number>`seq` }).from(sql`sqlite_sequence`).where(sql`name = ${OUTBOX}`),
      )
    : database.select('copy.sequence', (db) =>
        db.select({ last: sql<number>`last_value`.mapWith(Number) }).from(sql`outbox_sequence_seq`),
      );
  return (await number)[0]?.last ?? 0;
}

async function write(database: Database, last: number): Promise<void> {
  if (last === 0) return;
  if (!isSqlite(database)) {
    const set = sql`setval(pg_get_serial_sequence('outbox', 'sequence'), ${last}::bigint)`;
    await database.select('copy.setSequence', (db) => db.select({ set }).from(sql`(SELECT 1) AS one`));
    return;
  }
  const table = sqliteSequence as unknown as PgTable;
  const all = placeholders({ name: sqliteSequence.name, seq: sqliteSequence.seq });
  const update = database.write('copy.sequence', (db) =>
    db
      .update(table)
      .set({ seq: all.seq } as object)
      .where(eq(sqliteSequence.name, all.name)),
  );
  const values = { name: OUTBOX, seq: last };
  if ((await update.run(values)) > 0) return;
  await database.write('copy.newSequence', (db) => db.insert(table).values(all as object)).run(values);
}

function isSqlite({ tables }: Database): boolean {
  return is(tables.outbox, SQLiteTable);
}
