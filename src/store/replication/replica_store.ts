import { asc, count, eq, getTableColumns, sql } from 'drizzle-orm';
import { type Database, placeholder, placeholders } from '../database_interface.ts';
import type { ReplicaStore } from '../replication_store_interfaces.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';

export function createReplicaStore(database: Database): ReplicaStore {
  const { replicas } = database.tables;
  const { now } = database.dialect;
  const { enforcesContainments, ...facts } = getTableColumns(replicas);
  const all = placeholders(facts);
  const age = placeholder(replicas.heartbeatTime, 'age');

  const upsert = database.write('replicas.heartbeat', (db) =>
    db
      .insert(replicas)
      .values({ ...all, heartbeatTime: now, enforcesContainments: sql`true` })
      .onConflictDoUpdate({
        target: replicas.uid,
        set: { heartbeatTime: sql`excluded.heartbeat_time`, feedPosition: sql`excluded.feed_position` },
      }),
  );
  const remove = database.write('replicas.delete', (db) => db.delete(replicas).where(eq(replicas.uid, all.uid)));
  const isLive = sql`${replicas.heartbeatTime} > ${now} - ${age}`;
  const countLive = database.rows('replicas.live', (db) => db.select({ count: count() }).from(replicas).where(isLive));
  const { heartbeatTime, ...columns } = facts;
  const heartbeatAge = sql<number>`${now} - ${heartbeatTime}`.mapWith(Number);
  const listLive = database.rows('replicas.listLive', (db) =>
    db
      .select({ ...columns, enforcesContainments, heartbeatAge })
      .from(replicas)
      .where(isLive)
      .orderBy(asc(replicas.name), asc(replicas.uid)),
  );
  const where = sql`${replicas.heartbeatTime} < ${now} - ${age}`;
  const sweep = database.write(
    'replicas.sweep',
    deleteUpTo(sql.placeholder('limit'), { table: replicas, key: replicas.uid, where }),
  );

  return {
    async heartbeat(replica) {
      await upsert.run({ ...replica });
    },
    async remove(uid) {
      await remove.run({ uid });
    },
    live: async (age) => (await countLive.first({ age }))?.count ?? 0,
    listLive: (age) => listLive.all({ age }),
    sweep: (age, limit) => sweep.run({ age, limit }),
  };
}
