import type { KeyObject } from 'node:crypto';
import { VaultError } from '../model/errors.ts';
import { deriveMacKey } from './row_mac.ts';
import type { DekKeys, DekPlace, DekVersions } from './sealed_record.ts';

/** The unwrapped DEKs of one tenant. It does not change: what was read before a rotation can be opened with it after. */
export interface LoadedTenant extends DekVersions {
  /** The name that the DEKs were wrapped for. */
  readonly tenantId: string;
  readonly versions: ReadonlyMap<number, KeyObject>;
  readonly newest: KeyObject;
  readonly newestVersion: number;
  readonly indexKey: KeyObject;
  readonly macKey: KeyObject;
}

export type UnwrappedDek = Omit<DekPlace, 'deploymentId'> & DekKeys;

/** The DEKs of the tenants that were used last, and always those of `pinnedUid`. */
export function createLoadedDeks(capacity: number, pinnedUid: string) {
  const loaded = new Map<string, LoadedTenant>();
  // Uids are never reused, so these stay: an `add` with rows that were read before the deletion may still follow.
  const forgotten = new Set<string>();

  function evict(): void {
    for (const uid of loaded.keys()) {
      if (loaded.size <= Math.max(capacity, 2)) return;
      if (uid !== pinnedUid) loaded.delete(uid);
    }
  }

  /** Also for `has`: its caller seals next, and other tenants may be loaded in between. */
  function touch(tenantUid: string): LoadedTenant | undefined {
    const found = loaded.get(tenantUid);
    if (found !== undefined) put(tenantUid, found);
    return found;
  }

  function put(tenantUid: string, tenant: LoadedTenant): void {
    loaded.delete(tenantUid);
    loaded.set(tenantUid, tenant);
    evict();
  }

  return {
    /** Keeps the other versions that are loaded. */
    add(dek: UnwrappedDek): void {
      const { tenantUid } = dek;
      if (!forgotten.has(tenantUid)) put(tenantUid, withDek(loaded.get(tenantUid), dek));
    },
    /** All DEKs of one tenant, as they are in the database now. */
    replace(deks: readonly UnwrappedDek[]): void {
      const [first] = deks;
      if (first === undefined || forgotten.has(first.tenantUid)) return;
      put(first.tenantUid, deks.slice(1).reduce<LoadedTenant>(withDek, withDek(undefined, first)));
    },
    has(tenantUid: string, version?: number): boolean {
      const found = touch(tenantUid);
      return found !== undefined && (version === undefined || found.versions.has(version));
    },
    /** Fails with TENANT_NOT_FOUND after `forget`, and with INTERNAL if the caller did not load the tenant. */
    get(tenantUid: string): LoadedTenant {
      const found = touch(tenantUid);
      if (found !== undefined) return found;
      throw forgotten.has(tenantUid)
        ? new VaultError('TENANT_NOT_FOUND', 'The tenant and its keys were deleted.')
        : new VaultError('INTERNAL', `No data key of tenant ${tenantUid} is loaded.`);
    },
    forget(tenantUid: string): void {
      forgotten.add(tenantUid);
      loaded.delete(tenantUid);
    },
  };
}

/** The floor is that of the newest version, as it was read last. */
function withDek(found: LoadedTenant | undefined, { tenantId, version, dek, indexKey, floor }: UnwrappedDek) {
  const versions = new Map(found?.versions).set(version, dek);
  const find = (wanted: number) => versions.get(wanted);
  if (found !== undefined && version < found.newestVersion) return { ...found, versions, find };
  const macKey = found?.macKey ?? deriveMacKey(indexKey);
  return { tenantId, versions, find, floor, newest: dek, newestVersion: version, indexKey, macKey };
}
