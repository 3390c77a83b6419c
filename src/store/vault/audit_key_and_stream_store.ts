import { randomBytes } from 'node:crypto';
import { asc, desc, eq, getTableColumns, sql } from 'drizzle-orm';
import type { AuditLedger, AuditStream } from '../../audit/audit_log_interface.ts';
import { VAULT_UID } from '../../keyring/keyring.ts';
import { type Database, placeholders } from '../database_interface.ts';
import { SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { Row } from '../table_definitions.ts';
import type { Meta } from './vault_metadata_store.ts';

const KEY_BYTES = 32;
const KEY_PLACE = SEALED_COLUMNS.meta.value('audit_key');
const placeOf = SEALED_COLUMNS.auditStreams.checkpoint;

interface AuditLedgerParts {
  database: Database;
  meta: Meta;
  keys: TenantKeys;
}

/**
 * Key and streams of the audit log, sealed with the vault's own DEK. The sealed value has the whole row and is bound to
 * the stream's id: write access to the database can delete a row, but not move a checkpoint back. The other columns are
 * for queries.
 */
export function createAuditLedger({ database, meta, keys }: AuditLedgerParts): AuditLedger {
  const { keyring } = keys;
  const { auditStreams } = database.tables;
  const all = placeholders(getTableColumns(auditStreams));
  const save = database.write('auditStreams.save', (db) =>
    db
      .insert(auditStreams)
      .values(all)
      .onConflictDoUpdate({
        target: auditStreams.streamId,
        set: {
          name: sql`excluded.name`,
          lastNumber: sql`excluded.last_number`,
          lastTime: sql`excluded.last_time`,
          checkpoint: sql`excluded.checkpoint`,
        },
      }),
  );
  const find = database.rows('auditStreams.find', (db) =>
    db.select().from(auditStreams).where(eq(auditStreams.streamId, all.streamId)),
  );
  // One process at a time serves a database in a file (ADR 7), so the newest stream is its own.
  const newest = database.rows('auditStreams.newest', (db) =>
    db
      .select()
      .from(auditStreams)
      .where(database.filePlace === undefined ? eq(auditStreams.name, all.name) : undefined)
      .orderBy(desc(auditStreams.lastTime), asc(auditStreams.streamId))
      .limit(1),
  );
  const list = database.rows('auditStreams.list', (db) =>
    db.select().from(auditStreams).orderBy(asc(auditStreams.firstTime), asc(auditStreams.streamId)),
  );

  const open = (row: Row<'auditStreams'>) =>
    keys.openCurrent(
      row,
      () => find.first(row),
      async ({ streamId, checkpoint }): Promise<AuditStream> => {
        await keys.ready(VAULT_UID, checkpoint);
        const text = keyring.open(placeOf(streamId), checkpoint).toString('utf8');
        return { ...(JSON.parse(text) as Omit<AuditStream, 'streamId'>), streamId };
      },
    );

  async function auditKey(): Promise<Uint8Array> {
    const stored = await meta.find('audit_key');
    if (stored !== undefined) {
      await keys.ready(VAULT_UID, stored);
      return keyring.open(KEY_PLACE, stored);
    }
    // Replicas that start at once each insert a key; all of them read the first one.
    const key = randomBytes(KEY_BYTES);
    await keys.commitSealed(VAULT_UID, () => [meta.insert('audit_key', keyring.seal(KEY_PLACE, key))]);
    return auditKey();
  }

  return {
    auditKey,
    async saveStream({ streamId, ...stream }) {
      await keys.commitSealed(VAULT_UID, () => [
        save.step({
          ...stream,
          streamId,
          checkpoint: keyring.seal(placeOf(streamId), JSON.stringify(stream)),
        }),
      ]);
    },
    async findStream(streamId) {
      const row = await find.first({ streamId });
      return row && open(row);
    },
    async newestStream(name) {
      const row = await newest.first({ name });
      return row && open(row);
    },
    listStreams: async () => Promise.all((await list.all({})).map(open)),
  };
}
