import { eq, isNotNull, max } from 'drizzle-orm';
import type { Timestamp } from '../../model/clock.ts';
import type { Containment } from '../../model/containment.ts';
import { VaultError } from '../../model/errors.ts';
import type { RotationStep } from '../../model/secret_rotation.ts';
import { refuseUnfinishedCopy } from '../copy/unfinished_copy.ts';
import type { Database } from '../database_interface.ts';
import type { Instance } from '../store_interfaces.ts';
import { encodeInstance, findInstance, newInstance } from './database_instance.ts';
import { refuseLiveReplicas } from './refuse_live_replicas.ts';
import { createMeta } from './vault_metadata_store.ts';

export interface RestoredDatabase {
  readonly before: Instance | undefined;
  readonly after: Instance;
  /** Time of the newest event; undefined: it has none. */
  readonly newestEventTime: Timestamp | undefined;
  readonly rotations: readonly { readonly tenantId: string; readonly appId: string; readonly step: RotationStep }[];
  readonly containments: readonly Containment[];
  /** Apps whose client secrets the vault rotates. */
  readonly rotatedApps: readonly { readonly tenantId: string; readonly appId: string }[];
}

/** Gives a restored database a new instance id. DATABASE_UNAVAILABLE if it has no vault in it, or if replicas serve it. */
export async function markRestored(database: Database, now: Timestamp): Promise<RestoredDatabase> {
  const meta = createMeta(database);
  if ((await meta.find('deployment_id')) === undefined) {
    throw new VaultError('DATABASE_UNAVAILABLE', 'The database has no vault in it. Restore the backup first.', {
      metadata: { fault: 'missing' },
    });
  }
  await refuseUnfinishedCopy(meta);
  await refuseLiveReplicas(database);
  const facts = await readFacts(database);
  const before = await findInstance(meta);
  // The clock of this machine may be behind that of the vault.
  const after = newInstance(database.filePlace, Math.max(now, facts.newestEventTime ?? 0));
  await meta.save('instance', encodeInstance(after));
  return { before, after, ...facts };
}

async function readFacts(database: Database) {
  const { apps, containments, outbox, rotations } = database.tables;
  const app = { tenantId: apps.tenantId, appId: apps.appId };
  const [newest] = await database.select('restored.newest', (db) => db.select({ time: max(outbox.time) }).from(outbox));
  return {
    newestEventTime: newest?.time ?? undefined,
    rotations: await database.select('restored.rotations', (db) =>
      db
        .select({ ...app, step: rotations.step })
        .from(rotations)
        .innerJoin(apps, eq(rotations.appUid, apps.uid))
        .orderBy(apps.tenantId, apps.appId),
    ),
    containments: await database.select('restored.containments', (db) =>
      db.select().from(containments).orderBy(containments.subject),
    ),
    rotatedApps: await database.select('restored.rotatedApps', (db) =>
      db.select(app).from(apps).where(isNotNull(apps.rotation)).orderBy(apps.tenantId, apps.appId),
    ),
  };
}
