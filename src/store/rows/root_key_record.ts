import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { CorruptCause } from '../../keyring/committing_aead.ts';
import type { Keyring } from '../../keyring/keyring.ts';
import { type KnownRootKey, openRootKeys } from '../../keyring/known_root_keys.ts';
import { VaultError } from '../../model/errors.ts';
import { type Database, placeholder, type Step } from '../database_interface.ts';
import type { Tables } from '../table_definitions.ts';
import type { MetaKey } from '../vault/vault_metadata_store.ts';

/** The row of `meta` with the id of the active root key, 16 bytes. Not sealed, so that a statement can compare it. */
export const ACTIVE_ROOT_KEY = 'active_root_key' satisfies MetaKey;

/** The root keys of a database, as its sealed record has them. */
export interface StoredRootKeys {
  /** The sealed value, for a commit that replaces it. */
  readonly sealed: Buffer;
  readonly active: KnownRootKey;
  /** Keys that data keys may still be wrapped under, without the active one. Empty: no rotation is in progress. */
  readonly retiring: readonly KnownRootKey[];
  readonly retired: readonly KnownRootKey[];
}

interface RootKeyRecordParts {
  readonly database: Database;
  readonly keyring: Keyring;
  /** Loads the vault's data key that a value is sealed under. */
  readonly ready: (sealed: Uint8Array) => Promise<void>;
}

export function createRootKeyRecord({ database, keyring, ready }: RootKeyRecordParts) {
  const { meta } = database.tables;
  // One statement, so that both rows are of the same time.
  const find = database.rows('meta.rootKeys', (db) =>
    db
      .select()
      .from(meta)
      .where(inArray(meta.key, ['root_keys', ACTIVE_ROOT_KEY])),
  );

  const replace = database.write('meta.replaceActiveRootKey', (db) =>
    db
      .update(meta)
      .set({ value: placeholder(meta.value, 'after') })
      .where(and(eq(meta.key, ACTIVE_ROOT_KEY), eq(meta.value, placeholder(meta.value, 'before')))),
  );

  async function read(): Promise<StoredRootKeys> {
    const rows = new Map((await find.all({})).map(({ key, value }) => [key, value]));
    const sealed = rows.get('root_keys');
    if (sealed === undefined) throw changedOutside();
    await ready(sealed);
    const known = openRootKeys(keyring, sealed);
    const active = activeRootKey(known, rows.get(ACTIVE_ROOT_KEY));
    const others = known.slice(0, -1);
    const retiring = others.filter(({ retireTime }) => retireTime === undefined);
    for (const { id } of retiring) keyring.requireKek(id);
    keyring.activate(keyring.requireKek(active.id));
    return { sealed, active, retiring, retired: others.filter((key) => !retiring.includes(key)) };
  }

  return {
    /**
     * Reads which root key is active, and makes the keyring wrap under it. The vault's own data key must be loaded. Fails
     * with RECORD_CORRUPT if the record is missing or was changed, or if this process lacks a root key that is in use.
     */
    read,
    /** For a commit that is refused unless `before` is active. With the same id twice, it stays active until the end of the commit. */
    replaceActive: (before: Buffer, after: Buffer): Step => replace.step({ before, after }, 1),
  };
}

/** The id of the root key that a data key is wrapped under. */
export function rootKeyIdOf(deks: Tables['deks']): SQL<Buffer> {
  return sql<Buffer>`substr(${deks.wrapped}, 3, 16)`;
}

/** RECORD_CORRUPT if the row of `meta` has another one than the sealed record. */
export function activeRootKey(known: readonly KnownRootKey[], stored: Uint8Array | undefined): KnownRootKey {
  const active = known.at(-1);
  if (active !== undefined && stored !== undefined && Buffer.from(active.id, 'hex').equals(stored)) return active;
  throw changedOutside();
}

function changedOutside(): VaultError {
  return new VaultError(
    'RECORD_CORRUPT',
    'The active root key in the table meta was changed outside of the vault. Restore the table from a backup.',
    { cause: new Error('mac' satisfies CorruptCause) },
  );
}
