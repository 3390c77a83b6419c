import { and, eq, sql } from 'drizzle-orm';
import type { OutboxStore } from '../background_store_interfaces.ts';
import { type Database, placeholder } from '../database_interface.ts';

/** Numbers the events of a shared database. The lease row fences the commit, so numbers never come from two leaders at once. */
export function createNumbering(database: Database): OutboxStore['number'] {
  const { outbox, feed, leases } = database.tables;
  const hasUnnumbered = database.rows('outbox.unnumbered', (db) =>
    db.select({ sequence: outbox.sequence }).from(outbox).where(sql`number IS NULL`).limit(1),
  );
  // Changes nothing, but waits for a process that is acquiring the lease, and then matches no row.
  const fence = database.write('outbox.fence', (db) =>
    db
      .update(leases)
      .set({ until: sql`${leases.until}` })
      .where(
        and(
          eq(leases.name, placeholder(leases.name, 'name')),
          eq(leases.owner, placeholder(leases.owner, 'owner')),
          eq(leases.epoch, placeholder(leases.epoch, 'epoch')),
        ),
      ),
  );
  const number = database.write('outbox.number', (db) =>
    db
      .update(outbox)
      .set({ number: sql`visible.number` })
      .from(
        sql`(SELECT event.sequence AS sequence, counter.position + row_number() OVER (ORDER BY event.sequence) AS number
          FROM outbox AS event, feed AS counter WHERE counter.name = 'outbox' AND event.number IS NULL
          ORDER BY event.sequence LIMIT ${sql.placeholder('limit')}) AS visible`,
      )
      .where(sql`${outbox.sequence} = visible.sequence`),
  );
  const highest = sql`(SELECT max(numbered.number) FROM outbox AS numbered WHERE numbered.number IS NOT NULL)`;
  const advance = database.write('feed.numbered', (db) =>
    db
      .update(feed)
      .set({ position: highest })
      .where(and(eq(feed.name, 'outbox'), sql`${feed.position} < ${highest}`)),
  );

  return async (lease, limit) => {
    if ((await hasUnnumbered.first({})) === undefined) return false;
    const result = await database.commit(fence.step({ ...lease }, 1), number.step({ limit }), advance.step({}));
    return result.committed && (await hasUnnumbered.first({})) !== undefined;
  };
}
