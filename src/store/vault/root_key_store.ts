import { setImmediate } from 'node:timers/promises';
import { and, asc, count, eq, getTableColumns, sql } from 'drizzle-orm';
import type { Kek } from '../../keyring/key_encryption_key.ts';
import { type TenantNames, VAULT_UID, type WrappedDek } from '../../keyring/keyring.ts';
import { type KnownRootKey, knownRootKey, sealRootKeys } from '../../keyring/known_root_keys.ts';
import { corruptCause } from '../../keyring/sealed_record.ts';
import { type Database, placeholder, placeholders, type Step } from '../database_interface.ts';
import { startKekAge } from '../expiry/root_key_age_record.ts';
import type { ReplicaStore } from '../replication_store_interfaces.ts';
import { type DataKeyPosition, REPLICA_SEEN_WITHIN, type RootKeyStore } from '../root_key_store_interface.ts';
import { rootKeyIdOf, type StoredRootKeys } from '../rows/root_key_record.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { Meta } from './vault_metadata_store.ts';

interface RootKeyStoreParts {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly meta: Meta;
  readonly replicas: Pick<ReplicaStore, 'listLive'>;
}

const KEYS_A_TURN = 20;
const START: DataKeyPosition = { tenantUid: '', version: 0 };

export function createRootKeyStore({ database, keys, meta: values, replicas }: RootKeyStoreParts): RootKeyStore {
  const { deks, meta, tenants, replicas: replicaRows } = database.tables;
  const { now } = database.dialect;
  const { keyring, rootKeys } = keys;
  const all = placeholders(getTableColumns(deks));
  const [before, after] = [placeholder(meta.value, 'before'), placeholder(meta.value, 'after')];
  const rootKeyId = rootKeyIdOf(deks);
  const activeId = placeholder(meta.value, 'activeId');
  const isPending = sql`${rootKeyId} <> ${activeId}`;

  const isUnchanged = and(eq(meta.key, 'root_keys'), eq(meta.value, before));
  // On PostgreSQL each statement sees what was committed before it: also heartbeats during a wait for the row above.
  const lacksKey = sql`SELECT 1 FROM ${replicaRows}
    WHERE ${replicaRows.heartbeatTime} > ${now} - ${sql.raw(`${REPLICA_SEEN_WITHIN}`)}
      AND CAST(${replicaRows.rootKeyIds} AS text) NOT LIKE ${sql.placeholder('pattern')}`;
  const recordActive = database.write('meta.recordActiveRootKey', (db) =>
    db
      .update(meta)
      .set({ value: after })
      .where(and(isUnchanged, sql`NOT EXISTS (${lacksKey})`)),
  );
  const recordRetired = database.write('meta.recordRetiredRootKeys', (db) =>
    db
      .update(meta)
      .set({ value: after })
      .where(and(isUnchanged, sql`NOT EXISTS (SELECT 1 FROM ${deks} WHERE ${isPending})`)),
  );
  const pending = database.rows('deks.pending', (db) =>
    db
      .select({ ...getTableColumns(deks), tenantId: tenants.tenantId })
      .from(deks)
      .leftJoin(tenants, eq(tenants.uid, deks.tenantUid))
      .where(and(sql`(${deks.tenantUid}, ${deks.version}) > (${all.tenantUid}, ${all.version})`, isPending))
      .orderBy(asc(deks.tenantUid), asc(deks.version))
      .limit(sql.placeholder('limit')),
  );
  const rewrap = database.write('deks.rewrap', (db) =>
    db
      .update(deks)
      .set({ wrapped: placeholder(deks.wrapped, 'after') })
      .where(and(eq(deks.tenantUid, all.tenantUid), eq(deks.version, all.version), eq(deks.wrapped, all.wrapped))),
  );
  const counts = database.rows('deks.count', (db) =>
    db
      .select({ rootKeyId, version: deks.version, dataKeys: count() })
      .from(deks)
      .groupBy(rootKeyId, deks.version)
      .orderBy(rootKeyId, asc(deks.version)),
  );

  async function listPending({ id }: Kek, position: DataKeyPosition, limit: number): Promise<readonly WrappedDek[]> {
    const rows = await pending.all({ ...position, limit, activeId: id });
    return rows.map((row) => ({ ...row, tenantId: row.tenantId ?? VAULT_UID }));
  }

  async function missingAt(id: string): Promise<readonly string[]> {
    const live = await replicas.listLive(REPLICA_SEEN_WITHIN);
    return live.filter(({ rootKeyIds }) => !rootKeyIds.includes(id)).map(({ name }) => name);
  }

  /** For a commit that is refused unless the key is active, and during which it stays so. */
  const staysActive = ({ id }: Kek): Step => rootKeys.replaceActive(id, id);

  return {
    read: rootKeys.read,
    async confirm() {
      await database.commit(staysActive(keyring.activeKek()));
      await rootKeys.read();
    },
    async countDataKeys() {
      const rows = await counts.all({});
      return rows.map((row) => ({ ...row, rootKeyId: row.rootKeyId.toString('hex') }));
    },
    async listPending(limit) {
      await rootKeys.read();
      return (await listPending(keyring.activeKek(), START, limit)).map(({ tenantId }) => tenantId);
    },
    async activate(id, time) {
      for (;;) {
        const record = await rootKeys.read();
        if (record.active.id === id) return { kind: 'active', activated: false };
        if (record.retired.some((key) => key.id === id)) return { kind: 'retired' };
        const kek = keyring.keks.find((one) => one.id.toString('hex') === id);
        const missing = await missingAt(id);
        if (kek === undefined || missing.length > 0) return { kind: 'missing', replicas: missing };
        const known = [...withoutId(allOf(record), id), knownRootKey(kek, time)];
        const pattern = `%${id}%`;
        const { committed } = await keys.commitSealed(VAULT_UID, () => [
          rootKeys.replaceActive(keyring.activeKek().id, kek.id),
          recordActive.step({ before: record.sealed, after: sealRootKeys(keyring, known), pattern }, 1),
          startKekAge(values, id, time),
        ]);
        // Otherwise another process was faster, or a replica without the key has started.
        if (!committed) continue;
        keyring.activate(kek);
        return { kind: 'active', activated: true };
      }
    },
    async rewrap(after, limit) {
      const kek = keyring.activeKek();
      const rows = await listPending(kek, after ?? START, limit);
      const damaged: (DataKeyPosition & TenantNames)[] = [];
      const steps: Step[] = [];
      for (const [count, dek] of rows.entries()) {
        // Wrapping all of a batch at once would block the event loop.
        if (count % KEYS_A_TURN === KEYS_A_TURN - 1) await setImmediate();
        const position = { tenantUid: dek.tenantUid, version: dek.version };
        try {
          steps.push(rewrap.step({ ...position, wrapped: dek.wrapped, after: keyring.rewrap(dek, kek).wrapped }));
        } catch (error) {
          // Also if it names an unknown root key: this process has all that are in use.
          if (corruptCause(error) === undefined) throw error;
          damaged.push({ ...position, tenantId: dek.tenantId });
        }
      }
      if (steps.length > 0 && !(await database.commit(staysActive(kek), ...steps)).committed) {
        // Another key became active meanwhile.
        await rootKeys.read();
        return { rewrapped: 0, damaged: [], last: after ?? START };
      }
      const last = rows.length < limit ? undefined : rows.at(-1);
      return {
        rewrapped: steps.length,
        damaged,
        last: last && { tenantUid: last.tenantUid, version: last.version },
      };
    },
    async retire(time) {
      const record = await rootKeys.read();
      if (record.retiring.length === 0) return [];
      const retired = record.retiring.map((key) => ({ ...key, retireTime: time }));
      const known = [...record.retired, ...retired, record.active];
      const activeId = keyring.activeKek().id;
      const { committed } = await keys.commitSealed(VAULT_UID, () => [
        recordRetired.step({ before: record.sealed, after: sealRootKeys(keyring, known), activeId }, 1),
      ]);
      if (!committed) return undefined;
      // Data keys under the retired ones are still in the log of the database.
      await database.shred();
      return retired;
    },
  };
}

function allOf({ retired, retiring, active }: StoredRootKeys): readonly KnownRootKey[] {
  return [...retired, ...retiring, active];
}

function withoutId(known: readonly KnownRootKey[], id: string): readonly KnownRootKey[] {
  return known.filter((key) => key.id !== id);
}
