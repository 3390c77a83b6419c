import type { Timestamp } from '../model/clock.ts';
import { metaPlace } from './database_key_canary.ts';
import type { Kek } from './key_encryption_key.ts';
import type { Keyring } from './keyring.ts';

/** A root key that data keys of this database are, or were, wrapped under. */
export interface KnownRootKey {
  /** Hex. */
  readonly id: string;
  /** The version of the Key Vault secret that had it. */
  readonly keyVaultVersion?: string | undefined;
  /** Since when new data keys are wrapped under it. */
  readonly activeTime: Timestamp;
  /** When no data key needed it any more. Earlier backups still need it. */
  readonly retireTime?: Timestamp | undefined;
}

const PLACE = metaPlace('root_keys');

/** As it becomes the active one. */
export function knownRootKey({ id, keyVaultVersion }: Kek, activeTime: Timestamp): KnownRootKey {
  return { id: id.toString('hex'), keyVaultVersion, activeTime };
}

/** The active one last. Sealed, so that write access to the database cannot make an old one active. */
export function sealRootKeys(keyring: Keyring, rootKeys: readonly KnownRootKey[]): Buffer {
  return keyring.seal(PLACE, JSON.stringify(rootKeys));
}

/** Fails with RECORD_CORRUPT. */
export function openRootKeys(keyring: Keyring, sealed: Uint8Array): readonly KnownRootKey[] {
  return JSON.parse(keyring.open(PLACE, sealed).toString('utf8')) as readonly KnownRootKey[];
}
