import { createKeyring, VAULT_UID } from '../../keyring/keyring.ts';
import { openRootKeys } from '../../keyring/known_root_keys.ts';
import type { Keks } from '../../keyring/root_key_source.ts';
import { corruptCause, kekIdOf } from '../../keyring/sealed_record.ts';
import { VaultError } from '../../model/errors.ts';
import { refuseUnfinishedCopy } from '../copy/unfinished_copy.ts';
import type { Database } from '../database_interface.ts';
import { ACTIVE_ROOT_KEY, activeRootKey } from '../rows/root_key_record.ts';
import { countSealedValues } from './count_sealed_values.ts';
import { readDeks, readMacs } from './read_deks_and_macs.ts';
import { readSealedValues } from './read_sealed_values.ts';
import { createMeta } from './vault_metadata_store.ts';

const ROOT_KEY_RECORD = [ACTIVE_ROOT_KEY, 'root_keys'] as const;

/** A value that does not open. Never contains the value. */
export interface DamagedValue {
  /** Table and column as in SQL, and the key of the row. */
  readonly table: string;
  readonly column: string;
  readonly uid: string;
  /** `no_data_key`: the row's tenant has none; `missing`: the row is. */
  readonly cause: NonNullable<ReturnType<typeof corruptCause>> | 'no_data_key' | 'missing';
}

/** Written during the verification. */
export interface VerificationCounts {
  /** Root keys, by id in hexadecimal, with the data keys that are wrapped under them. */
  readonly rootKeys: Map<string, { dataKeys: number; readonly isAtHand: boolean }>;
  /** Values and MACs to check, about. */
  total: number;
  dataKeys: number;
  values: number;
  macs: number;
  /** Values and MACs that opened or matched. */
  ok: number;
  damaged: number;
  /** Values and MACs of tenants whose data key does not open. */
  notChecked: number;
}

export interface VerificationParts {
  readonly database: Database;
  readonly keks: Keks;
  readonly counts: VerificationCounts;
  readonly signal: AbortSignal;
  readonly onDamage: (damaged: DamagedValue) => void;
}

/** Opens every wrapped data key, sealed value and MAC of a database with the root keys at hand; changes nothing. */
export async function verifySealedValues(parts: VerificationParts): Promise<void> {
  const { database, keks, counts, signal, onDamage } = parts;
  const meta = createMeta(database);
  await refuseUnfinishedCopy(meta);
  const deploymentId = (await meta.find('deployment_id'))?.toString('utf8');
  if (deploymentId === undefined) {
    throw new VaultError('DATABASE_UNAVAILABLE', 'The database has no vault in it.', {
      metadata: { fault: 'missing' },
    });
  }
  const keyring = createKeyring({ keks, deploymentId, capacity: Number.POSITIVE_INFINITY });
  counts.total = await countSealedValues(database);
  const known = [keks.current, keks.previous].map((kek) => kek?.id.toString('hex'));
  /** Tenants with a data key that opened, and all with a data key. */
  const [opened, all] = [new Set<string>(), new Set<string>()];

  function report(damaged: DamagedValue): void {
    counts.damaged += 1;
    onDamage(damaged);
  }

  function check(place: Omit<DamagedValue, 'cause'>, work: () => unknown): boolean {
    signal.throwIfAborted();
    try {
      work();
      return true;
    } catch (error) {
      const cause = corruptCause(error);
      if (cause === undefined) throw error;
      // Reported once, by its root key.
      if (cause === 'kek_unknown') return false;
      report({ ...place, cause });
      return false;
    }
  }

  // Without them, the vault does not start. Earlier versions have no record of root keys.
  const [activeId, rootKeys] = [await meta.find(ACTIVE_ROOT_KEY), await meta.find('root_keys')];
  const required = ['canary', ...(activeId === undefined && rootKeys === undefined ? [] : ROOT_KEY_RECORD)] as const;
  for (const key of required) {
    if ((await meta.find(key)) === undefined) report({ table: 'meta', column: 'value', uid: key, cause: 'missing' });
  }
  for await (const dek of readDeks(database)) {
    const { tenantUid, version, wrapped } = dek;
    counts.dataKeys += 1;
    all.add(tenantUid);
    countRootKey(counts, kekIdOf(wrapped)?.toString('hex'), known);
    const place = { table: 'deks', column: 'wrapped', uid: `${tenantUid} ${version}` };
    if (check(place, () => keyring.adopt(dek))) opened.add(tenantUid);
  }

  if (rootKeys !== undefined && activeId !== undefined && opened.has(VAULT_UID)) {
    const place = { table: 'meta', column: 'value', uid: ACTIVE_ROOT_KEY };
    check(place, () => activeRootKey(openRootKeys(keyring, rootKeys), activeId));
  }

  function checkRow(place: Omit<DamagedValue, 'cause'>, tenantUid: string, work: () => unknown): void {
    if (opened.has(tenantUid)) {
      if (check(place, work)) counts.ok += 1;
    } else if (all.has(tenantUid)) {
      counts.notChecked += 1;
    } else {
      report({ ...place, cause: 'no_data_key' });
    }
  }

  for await (const { table, column, uid, tenantUid, place, bytes } of readSealedValues(database)) {
    counts.values += 1;
    checkRow({ table, column, uid }, tenantUid, () => keyring.open(place, bytes).fill(0));
  }
  for await (const { table, row, mac } of readMacs(database)) {
    counts.macs += 1;
    const place = { table, column: 'mac', uid: row.recordUid };
    checkRow(place, row.tenantUid, () => keyring.checkMac(row, mac));
  }
}

function countRootKey({ rootKeys }: VerificationCounts, id: string | undefined, known: readonly unknown[]): void {
  // Not a wrapped data key.
  if (id === undefined) return;
  const rootKey = rootKeys.get(id) ?? { dataKeys: 0, isAtHand: known.includes(id) };
  rootKey.dataKeys += 1;
  rootKeys.set(id, rootKey);
}
