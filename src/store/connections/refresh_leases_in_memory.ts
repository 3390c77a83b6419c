import { performance } from 'node:perf_hooks';
import { and, eq, getTableColumns } from 'drizzle-orm';
import { newLeaseId } from '../../model/id_patterns.ts';
import { type Database, placeholder, placeholders } from '../database_interface.ts';
import type { ConnectionRow } from './connection_row_mapping.ts';
import type { HeldRow, RefreshLeases } from './refresh_leases_interface.ts';

interface Lease {
  /** That of the row when it was read: a new grant, a suspension and an overdue lease replace it. */
  readonly leaseId: string;
  /** By the monotonic clock of the process. */
  readonly until: number;
}

/** Leases of the one process of a database. They end with it, as the start of the next one expects. */
export function createLeasesInMemory(database: Database): RefreshLeases {
  const { connections } = database.tables;
  const all = placeholders(getTableColumns(connections));
  const isHeld = and(eq(connections.uid, all.uid), eq(connections.leaseId, all.leaseId));
  const leases = new Map<string, Lease>();

  const find = database.rows('grants.lease', (db) => db.select().from(connections).where(eq(connections.uid, all.uid)));
  const next = { leaseId: placeholder(connections.leaseId, 'next') };
  // Not durable: the holder that it fences does not outlive a power cut.
  const fence = database.volatile('grants.fence', (db) => db.update(connections).set(next).where(isHeld).returning());
  const release = database.write('grants.release', (db) => db.update(connections).set(next).where(isHeld));

  function take(row: ConnectionRow, duration: number): ConnectionRow {
    leases.set(row.uid, { leaseId: row.leaseId, until: performance.now() + duration });
    return row;
  }

  function ended({ uid, leaseId }: HeldRow): void {
    if (leases.get(uid)?.leaseId === leaseId) leases.delete(uid);
  }

  return {
    async acquire(uid, { duration }) {
      const row = await find.first({ uid });
      if (row === undefined) return undefined;
      // No await from here to `take`, unless the lease is overdue.
      const lease = leases.get(uid);
      if (lease?.leaseId !== row.leaseId) return take(row, duration);
      if (lease.until >= performance.now()) return undefined;
      const fenced = await fence.first({ uid, leaseId: row.leaseId, next: newLeaseId() });
      return fenced && take(fenced, duration);
    },
    async release({ uid, leaseId }) {
      await release.run({ uid, leaseId, next: newLeaseId() });
      ended({ uid, leaseId });
    },
    ended,
  };
}
