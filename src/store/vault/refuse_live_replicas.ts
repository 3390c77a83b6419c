import { gt, sql } from 'drizzle-orm';
import { MINUTE } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Database } from '../database_interface.ts';

/** A replica writes its heartbeat every five seconds. */
const LIVE = MINUTE;

/** DATABASE_UNAVAILABLE if other processes serve the database. A file has a lock instead. */
export async function refuseLiveReplicas(database: Database): Promise<void> {
  if (database.filePlace !== undefined) return;
  const { replicas } = database.tables;
  const { now } = database.dialect;
  const live = await database.select('replicas.live', (db) =>
    db
      .select({ name: replicas.name })
      .from(replicas)
      .where(gt(replicas.heartbeatTime, sql`${now} - ${LIVE}`)),
  );
  if (live.length === 0) return;
  const names = live.map(({ name }) => name).join(', ');
  throw new VaultError(
    'DATABASE_UNAVAILABLE',
    `Replicas serve the database: ${names}. Stop them, and run the command again a minute later.`,
    { metadata: { fault: 'served' } },
  );
}
