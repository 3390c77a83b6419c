import { and, eq, getTableColumns, isNull, lt, or, sql } from 'drizzle-orm';
import { newLeaseId } from '../../model/id_patterns.ts';
import { type Database, placeholder, placeholders } from '../database_interface.ts';
import type { RefreshLeases } from './refresh_leases_interface.ts';

/** Leases in the rows of connections, by the clock of the database, for several replicas. */
export function createLeasesInDatabase(database: Database): RefreshLeases {
  const { connections } = database.tables;
  const { now } = database.dialect;
  const all = placeholders(getTableColumns(connections));

  // Not durable: losing one is harmless, because the record is fenced, and each refresh waits for the disk only once.
  const lease = database.volatile('grants.lease', (db) =>
    db
      .update(connections)
      .set({
        leaseOwner: all.leaseOwner,
        leaseUntil: sql`${now} + ${placeholder(connections.leaseUntil, 'duration')}`,
        leaseId: all.leaseId,
      })
      .where(
        and(
          eq(connections.uid, all.uid),
          // The same lease id: the answer to the first attempt was lost.
          or(isNull(connections.leaseUntil), lt(connections.leaseUntil, now), eq(connections.leaseId, all.leaseId)),
        ),
      )
      .returning(),
  );
  const release = database.write('grants.release', (db) =>
    db
      .update(connections)
      .set({ leaseOwner: null, leaseUntil: null })
      .where(and(eq(connections.uid, all.uid), eq(connections.leaseId, all.leaseId))),
  );

  return {
    acquire: (uid, { owner, duration }) => lease.first({ uid, leaseId: newLeaseId(), leaseOwner: owner, duration }),
    async release({ uid, leaseId }) {
      await release.run({ uid, leaseId });
    },
    // The record itself frees the lease.
    ended() {},
  };
}
