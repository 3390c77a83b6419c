import { createHmac } from 'node:crypto';
import { VaultError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import type { CorruptCause, Random } from './committing_aead.ts';
import type { Keks } from './key_source.ts';
import { createLoadedDeks } from './loaded_deks.ts';
import {
  corruptCause,
  type DekKeys,
  generateKey,
  kekIdOf,
  openRecord,
  type RecordPlace,
  sealRecord,
  unwrapDek,
  wrapDek,
} from './sealed_record.ts';

/** The row that the store keeps for a DEK version of a tenant. */
export interface WrappedDek {
  tenantUid: string;
  /** From 1 up. */
  version: number;
  wrapped: Uint8Array;
}

/** A record's place inside one deployment; the keyring knows which. */
export type Place = Omit<RecordPlace, 'deploymentId'>;

/** The owner of what belongs to no tenant: the canary and the audit key. */
export const VAULT_UID = 'vault';

/** Counts and times for metrics; milliseconds. */
export interface KeyringMeter {
  observe(operation: 'seal' | 'open' | 'unwrap', milliseconds: number): void;
  corrupt(cause: CorruptCause): void;
}

/**
 * A DEK for each tenant, and everything that is sealed under it. Synchronous: DEKs are unwrapped when adopted.
 * Only so many tenants stay loaded. Before `seal`, `open` and `blindIndex` ask `has`, adopt the tenant's rows if it says no,
 * and do not await in between.
 */
export interface Keyring {
  /** Of the current KEK, in hex. */
  readonly kekId: string;
  /** Makes and wraps a DEK; usable only after `adopt`. A version above 1 needs an earlier one adopted (it hands on the index key). */
  newDek(tenantUid: string, version?: number): WrappedDek;
  /** After its row was committed or read. Fails with RECORD_CORRUPT; names both KEKs when it is wrapped under an unknown one. */
  adopt(dek: WrappedDek): void;
  /** With a version (see `dekVersionOf`): whether that one is loaded; another replica may have added it. */
  has(tenantUid: string, version?: number): boolean;
  /** Crypto-shredding, in memory: after it nothing of the tenant is sealed or opened, even if its rows are read once more. */
  forget(tenantUid: string): void;
  /** Records below this version no longer open. It never goes down. */
  raiseFloor(tenantUid: string, version: number): void;
  /** Under the newest adopted DEK. */
  seal(place: Place, plaintext: Secret | Uint8Array | string): Buffer;
  /** Fails with RECORD_CORRUPT, alike for every cause. */
  open(place: Place, sealed: Uint8Array): Buffer;
  /** The same, of UTF-8 text. */
  openSecret(place: Place, sealed: Uint8Array): Secret;
  /** Whether it is wrapped under a KEK other than the current one. */
  needsRewrap(dek: WrappedDek): boolean;
  /** The same DEK under the current KEK; its plaintext stays inside. */
  rewrap(dek: WrappedDek): WrappedDek;
  /**
   * HMAC-SHA256 in hex, for finding a row by a sealed value. The caller brings the value into one form first (case, spaces).
   * Its key is random, wrapped beside the DEK and handed on from version to version: rotation leaves indexes valid, forgetting a tenant ends them.
   */
  blindIndex(tenantUid: string, value: string): string;
}

export interface KeyringParts {
  keks: Keks;
  deploymentId: string;
  meter?: KeyringMeter;
  /** How many tenants stay loaded. */
  capacity?: number;
  random?: Random;
}

export function createKeyring({ keks, deploymentId, meter, capacity = 10_000, random }: KeyringParts): Keyring {
  const tenants = createLoadedDeks(capacity, VAULT_UID);
  const { current, previous } = keks;
  const knownKeks = previous === undefined ? [current] : [current, previous];

  const unwrap = (dek: WrappedDek): DekKeys =>
    measured('unwrap', () => {
      const kekId = kekIdOf(dek.wrapped);
      if (kekId !== undefined && !knownKeks.some((kek) => kek.id.equals(kekId))) throw kekMismatch(dek, kekId, keks);
      return unwrapDek({ deploymentId, tenantUid: dek.tenantUid, version: dek.version }, knownKeks, dek.wrapped);
    });

  const wrap = (tenantUid: string, version: number, keys: DekKeys): WrappedDek => ({
    tenantUid,
    version,
    wrapped: wrapDek({ deploymentId, tenantUid, version }, current, keys, random),
  });

  function measured<T>(operation: 'seal' | 'open' | 'unwrap', work: () => T): T {
    if (meter === undefined) return work();
    const start = performance.now();
    try {
      return work();
    } catch (error) {
      const cause = corruptCause(error);
      if (cause !== undefined) meter.corrupt(cause);
      throw error;
    } finally {
      meter.observe(operation, performance.now() - start);
    }
  }

  const open = (place: Place, sealed: Uint8Array): Buffer => {
    const deks = tenants.get(place.tenantUid);
    return measured('open', () => openRecord({ ...place, deploymentId }, deks, sealed));
  };

  return {
    kekId: current.id.toString('hex'),
    newDek(tenantUid, version = 1) {
      const indexKey = version === 1 ? generateKey(random) : tenants.get(tenantUid).indexKey;
      return wrap(tenantUid, version, { dek: generateKey(random), indexKey });
    },
    adopt(dek) {
      tenants.add(dek.tenantUid, dek.version, unwrap(dek));
    },
    has: tenants.has,
    forget: tenants.forget,
    raiseFloor: tenants.raiseFloor,
    seal(place, plaintext) {
      const { newest, newestVersion } = tenants.get(place.tenantUid);
      const bytes = plaintext instanceof Uint8Array ? plaintext : Buffer.from(text(plaintext));
      return measured('seal', () => sealRecord({ ...place, deploymentId }, newestVersion, newest, bytes, random));
    },
    open,
    openSecret: (place, sealed) => new Secret(open(place, sealed).toString('utf8')),
    needsRewrap: (dek) => !kekIdOf(dek.wrapped)?.equals(current.id),
    rewrap: (dek) => wrap(dek.tenantUid, dek.version, unwrap(dek)),
    blindIndex(tenantUid, value) {
      return createHmac('sha256', tenants.get(tenantUid).indexKey).update(value).digest('hex');
    },
  };
}

function text(plaintext: Secret | string): string {
  return plaintext instanceof Secret ? plaintext.reveal() : plaintext;
}

function kekMismatch(dek: WrappedDek, wrappedUnder: Buffer, { current, previous }: Keks): VaultError {
  const kekId = wrappedUnder.toString('hex');
  const currentKekId = current.id.toString('hex');
  const also = previous === undefined ? '' : ` and the previous ${previous.id.toString('hex')}`;
  return new VaultError(
    'RECORD_CORRUPT',
    `Data key ${dek.version} of tenant ${dek.tenantUid} is wrapped under the root key ${kekId}, ` +
      `but the key source holds ${currentKekId}${also}. ` +
      'Point TOKENVAULT_KEY_SOURCE to the key that belongs to this database; nothing was changed.',
    { metadata: { kekId, currentKekId }, cause: new Error('kek_unknown' satisfies CorruptCause) },
  );
}
