import { createHmac } from 'node:crypto';
import { Secret } from '../model/secret.ts';
import type { CorruptCause, Random } from './committing_aead.ts';
import type { Kek } from './key_encryption_key.ts';
import { kekMismatch, namesChanged } from './keyring_errors.ts';
import type { Keks } from './root_key_source.ts';
import { computeMac, isMacOf, type MacValue, type RowPlace } from './row_mac.ts';
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
import { createLoadedDeks, type LoadedTenant } from './tenant_data_key_cache.ts';

/** A tenant: keys are found by its uid, callers are authorized by its id, and the wrapping of its DEKs binds the two. */
export interface TenantNames {
  readonly tenantUid: string;
  readonly tenantId: string;
}

/** The row that the store has for a DEK version of a tenant. */
export interface WrappedDek extends TenantNames {
  /** From 1 up. */
  version: number;
  wrapped: Uint8Array;
}

/** The place of a record in this deployment. */
export type Place = Omit<RecordPlace, 'deploymentId'>;

/** A row of this deployment and its values that a MAC covers. `resource` is its name in error messages. */
export type MacRow = Omit<RowPlace, 'deploymentId'> & {
  readonly resource: string;
  readonly values: readonly MacValue[];
};

/** The owner of records without a tenant: the canary and the audit key. */
export const VAULT_UID = 'vault';
export const VAULT: TenantNames = { tenantUid: VAULT_UID, tenantId: VAULT_UID };

/** Metrics. */
export interface KeyringMeter {
  observe(operation: 'seal' | 'open' | 'unwrap', milliseconds: number): void;
  corrupt(cause: CorruptCause): void;
}

export type Keyring = ReturnType<typeof createKeyring>;

export interface KeyringParts {
  keks: Keks;
  deploymentId: string;
  meter?: KeyringMeter;
  /** Number of tenants that stay loaded. */
  capacity?: number;
  random?: Random;
}

/**
 * One DEK per tenant, and the sealing of records under it. Synchronous: DEKs are unwrapped when adopted. Only
 * `capacity` tenants stay loaded. Before `seal`, `open` and `blindIndex` call `has`; if it returns false, adopt the
 * tenant's rows, and do not await in between.
 */
export function createKeyring({ keks, deploymentId, meter, capacity = 10_000, random }: KeyringParts) {
  const tenants = createLoadedDeks(capacity, VAULT_UID);
  const { current, previous } = keks;
  const knownKeks = previous === undefined ? [current] : [current, previous];
  let active = current;

  const unwrap = (dek: WrappedDek): DekKeys =>
    measured('unwrap', () => {
      const kekId = kekIdOf(dek.wrapped);
      const { tenantUid, tenantId, version } = dek;
      if (kekId !== undefined) kekOf(kekId.toString('hex'), `Data key ${version} of tenant ${tenantUid} is`);
      return unwrapDek({ deploymentId, tenantUid, tenantId, version }, knownKeks, dek.wrapped);
    });

  const wrap = ({ tenantUid, tenantId }: TenantNames, version: number, keys: DekKeys, kek: Kek): WrappedDek => ({
    tenantUid,
    tenantId,
    version,
    wrapped: wrapDek({ deploymentId, tenantUid, tenantId, version }, kek, keys, random),
  });

  function kekOf(id: string, what: string): Kek {
    const found = knownKeks.find((kek) => kek.id.toString('hex') === id);
    if (found === undefined) throw kekMismatch(what, id, keks);
    return found;
  }

  /** Of a loaded tenant. A key once loaded is found by uid, so the name must be checked each time. */
  function keysOf({ tenantUid, tenantId }: TenantNames): LoadedTenant {
    const tenant = tenants.get(tenantUid);
    if (tenant.tenantId === tenantId) return tenant;
    meter?.corrupt('name');
    throw namesChanged(`tenants/${tenantId}`, 'name');
  }

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

  function openWith(deks: LoadedTenant, place: Place, sealed: Uint8Array): Buffer {
    return measured('open', () => openRecord({ ...place, deploymentId }, deks, sealed));
  }

  const open = (place: Place, sealed: Uint8Array): Buffer => openWith(keysOf(place), place, sealed);

  return {
    /** Those that unwrap, the newer one first. */
    keks: knownKeks,
    /** The one that wraps: the newer one, until `activate`. */
    activeKek: () => active,
    /** Fails with RECORD_CORRUPT unless this process has the KEK; `id` in hex. */
    requireKek: (id: string) => kekOf(id, 'Data keys of this database are'),
    /** New DEKs are wrapped under it from now on. */
    activate(kek: Kek): void {
      active = kek;
    },
    /** Creates and wraps a DEK, for use after `adopt`. Versions above 1 keep the index key of an adopted one. */
    newDek(tenant: TenantNames, version = 1): WrappedDek {
      const { indexKey, floor } = version === 1 ? { indexKey: generateKey(random), floor: 1 } : keysOf(tenant);
      return wrap(tenant, version, { dek: generateKey(random), indexKey, floor }, active);
    },
    /** After its row was committed or read. Fails with RECORD_CORRUPT; for an unknown KEK, the message names both. */
    adopt(dek: WrappedDek): void {
      tenants.add({ ...dek, ...unwrap(dek) });
    },
    /** All DEKs of one tenant, as they are in the database now; versions that it has no more are dropped. */
    readopt(deks: readonly WrappedDek[]): void {
      tenants.replace(deks.map((dek) => ({ ...dek, ...unwrap(dek) })));
    },
    /** Of the loaded tenant; the last one seals. */
    versionsOf: (tenantUid: string): readonly number[] =>
      [...tenants.get(tenantUid).versions.keys()].sort((one, other) => one - other),
    /** With a version (see `dekVersionOf`): whether that version is loaded; another replica may have added it. */
    has: tenants.has,
    /** Fails with RECORD_CORRUPT unless the DEKs of the loaded tenant were wrapped for this name. */
    checkName(tenant: TenantNames): void {
      keysOf(tenant);
    },
    /** The name that the DEKs of the loaded tenant were wrapped for. */
    nameOf: (tenantUid: string): string => tenants.get(tenantUid).tenantId,
    /** Crypto-shredding, in memory: the tenant's records no longer seal or open, even if its rows are read again. */
    forget: tenants.forget,
    /** Under the newest adopted DEK. */
    seal(place: Place, plaintext: Secret | Uint8Array | string): Buffer {
      const { newest, newestVersion } = keysOf(place);
      const bytes = plaintext instanceof Uint8Array ? plaintext : Buffer.from(text(plaintext));
      return measured('seal', () => sealRecord({ ...place, deploymentId }, newestVersion, newest, bytes, random));
    },
    /** Fails with RECORD_CORRUPT, the same for every cause. */
    open,
    /** As `open`, for UTF-8 text. */
    openSecret: (place: Place, sealed: Uint8Array) => new Secret(open(place, sealed).toString('utf8')),
    /** For later, with the DEKs that are loaded now: a rotation may delete the one that is needed. */
    openSecretLater(place: Place, sealed: Uint8Array): () => Secret {
      const deks = keysOf(place);
      return () => new Secret(openWith(deks, place, sealed).toString('utf8'));
    },
    /** The same DEK under another KEK; its plaintext does not leave the keyring. */
    rewrap: (dek: WrappedDek, kek: Kek) => wrap(dek, dek.version, unwrap(dek), kek),
    /** The same DEK, under the active KEK, which makes it the oldest version that opens records. */
    raiseFloor: (dek: WrappedDek) => wrap(dek, dek.version, { ...unwrap(dek), floor: dek.version }, active),
    /**
     * HMAC-SHA256 in hex, to find a row by a sealed value. The caller normalizes the value first (case, spaces). Its
     * key is random, wrapped together with the DEK and kept across versions: a rotation keeps indexes valid, forgetting
     * a tenant ends them.
     */
    blindIndex(tenant: TenantNames, value: string): string {
      return createHmac('sha256', keysOf(tenant).indexKey).update(value).digest('hex');
    },
    /** Keyed MAC of columns that are stored in clear. A rotation of the DEK keeps it valid. */
    mac: (row: MacRow): Buffer => computeMac(keysOf(row).macKey, { ...row, deploymentId }, row.values),
    /** Fails with RECORD_CORRUPT, also if there is no MAC. */
    checkMac(row: MacRow, mac: Uint8Array | null): void {
      if (isMacOf(mac, keysOf(row).macKey, { ...row, deploymentId }, row.values)) return;
      meter?.corrupt('mac');
      throw namesChanged(row.resource, 'mac');
    },
  };
}

function text(plaintext: Secret | string): string {
  return plaintext instanceof Secret ? plaintext.reveal() : plaintext;
}
