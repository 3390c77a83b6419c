import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { LeaseStore } from '../background_store_interfaces.ts';
import { type Database, placeholder, placeholders } from '../database_interface.ts';

export function createLeaseStore(database: Database): LeaseStore {
  const { leases } = database.tables;
  const { now } = database.dialect;
  const { name, owner } = placeholders({ name: leases.name, owner: leases.owner });
  const until = sql`${now} + ${placeholder(leases.until, 'duration')}`;

  // Not durable: if the commit is lost, then so is the process, or its fence fails.
  const acquire = database.volatile('leases.acquire', (db) =>
    db
      .insert(leases)
      .values({ name, owner, until, epoch: sql`1` })
      .onConflictDoUpdate({
        target: leases.name,
        set: {
          owner: sql`excluded.owner`,
          until: sql`excluded.until`,
          epoch: sql`CASE WHEN leases.owner = excluded.owner THEN leases.epoch ELSE leases.epoch + 1 END`,
        },
        setWhere: sql`leases.owner = excluded.owner OR leases.until <= ${now}`,
      })
      .returning({ name: leases.name, owner: leases.owner, epoch: leases.epoch }),
  );
  // The row stays, because its epoch must never start again.
  const release = database.write('leases.release', (db) =>
    db
      .update(leases)
      .set({ owner: '', until: 0 })
      .where(and(eq(leases.name, name), eq(leases.owner, owner))),
  );

  const held = database.rows('leases.listHeld', (db) =>
    db
      .select({
        name: leases.name,
        owner: leases.owner,
        remaining: sql<number>`${leases.until} - ${now}`.mapWith(Number),
      })
      .from(leases)
      .where(gt(leases.until, now))
      .orderBy(asc(leases.name)),
  );

  return {
    acquire: (name, owner, duration) => acquire.first({ name, owner, duration }),
    async release(name, owner) {
      await release.run({ name, owner });
    },
    listHeld: () => held.all({}),
  };
}
