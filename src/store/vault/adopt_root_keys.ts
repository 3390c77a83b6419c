import { sql } from 'drizzle-orm';
import { VAULT_UID } from '../../keyring/keyring.ts';
import { sealRootKeys } from '../../keyring/known_root_keys.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Database } from '../database_interface.ts';
import { kekAge, startKekAge } from '../expiry/root_key_age_record.ts';
import { ACTIVE_ROOT_KEY, rootKeyIdOf } from '../rows/root_key_record.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { Meta } from './vault_metadata_store.ts';

interface AdoptionParts {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly meta: Meta;
  readonly now: Timestamp;
}

/**
 * Records the root keys of a database that a version without this record has set up. The active one is that of the vault's
 * own data key. Data keys under another root key of this process are wrapped again, as in a rotation.
 */
export async function adoptRootKeys({ database, keys, meta, now }: AdoptionParts): Promise<void> {
  if ((await meta.find(ACTIVE_ROOT_KEY)) !== undefined) return;
  const { deks } = database.tables;
  const id = rootKeyIdOf(deks);
  const vaultVersion = sql<number>`max(CASE WHEN ${deks.tenantUid} = ${VAULT_UID} THEN ${deks.version} ELSE 0 END)`;
  const used = await database.select('deks.rootKeys', (db) =>
    db
      .select({ id, vaultVersion: vaultVersion.mapWith(Number) })
      .from(deks)
      .groupBy(id)
      .orderBy(vaultVersion),
  );
  const active = used.at(-1)?.id;
  // The vault's data key is loaded, so it has a row.
  if (active === undefined) throw new TypeError('no data key');
  const activeId = active.toString('hex');
  const age = (await meta.find('kek_age')) === undefined ? undefined : await kekAge(meta);
  const activeTime = age?.kekId === activeId ? age.since : now;
  const held = new Set(keys.keyring.keks.map((kek) => kek.id.toString('hex')));
  const rootKeys = used.map((one) => ({ id: one.id.toString('hex'), activeTime })).filter((one) => held.has(one.id));
  // Refused if another replica was faster.
  await database.commit(
    meta.insert(ACTIVE_ROOT_KEY, active),
    meta.insert('root_keys', sealRootKeys(keys.keyring, rootKeys)),
    ...(age?.kekId === activeId ? [] : [startKekAge(meta, activeId, activeTime)]),
  );
}
