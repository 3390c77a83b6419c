import { asc, desc, eq, gte, sql } from 'drizzle-orm';
import { type Database, placeholder } from '../database_interface.ts';
import type { ChangeStore } from '../replication_store_interfaces.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';
import { CHANGES_CHANNEL, type ChangeRows } from './announce_changes_to_replicas.ts';

export function createChangeStore(database: Database, changeRows: ChangeRows): ChangeStore {
  const { changes, feed } = database.tables;
  const limit = sql.placeholder('limit');
  const newest = database.rows('changes.newest', (db) =>
    db.select({ position: changes.position, uid: changes.uid }).from(changes).orderBy(desc(changes.position)).limit(1),
  );
  const read = database.rows('changes.read', (db) =>
    db
      .select()
      .from(changes)
      .where(gte(changes.position, placeholder(changes.position, 'from')))
      .orderBy(asc(changes.position))
      .limit(limit),
  );
  // Each process needs the newest row to notice that the database was restored.
  const where = sql`${changes.time} < ${database.dialect.now} - ${placeholder(changes.time, 'age')}
    AND ${changes.position} < (SELECT ${feed.position} FROM ${feed} WHERE ${eq(feed.name, 'changes')})`;
  const sweep = database.write(
    'changes.sweep',
    deleteUpTo(limit, { table: changes, key: changes.position, where, lowest: changes.time }),
  );

  return {
    newest: () => newest.first({}),
    async read(from, limit) {
      return (await read.all({ from, limit })).map(({ position, uid, kind, subjectUid }) => ({
        position,
        uid,
        change: { kind, uid: subjectUid },
      }));
    },
    takeOwn: changeRows.takeOwn,
    sweep: (age, limit) => sweep.run({ age, limit }),
    listen: async (wake) => database.notifications?.listen(CHANGES_CHANNEL, wake),
  };
}
