import type { KeyObject } from 'node:crypto';
import { VaultError } from '../model/errors.ts';
import { deriveMacKey } from './row_mac.ts';
import type { DekKeys, DekPlace, DekVersions } from './sealed_record.ts';

/** The unwrapped DEKs of one tenant. */
export interface LoadedTenant extends DekVersions {
  /** The name that the DEKs were wrapped for. */
  tenantId: string;
  newest: KeyObject;
  newestVersion: number;
  indexKey: KeyObject;
  macKey: KeyObject;
}

/** The DEKs of the tenants that were used last, and always those of `pinnedUid`. */
export function createLoadedDeks(capacity: number, pinnedUid: string) {
  const loaded = new Map<string, { tenant: LoadedTenant; versions: Map<number, KeyObject> }>();
  // Uids are never reused, so these stay: an `add` with rows that were read before the deletion may still follow.
  const forgotten = new Set<string>();
  // Separate from the DEKs: a floor must outlive their eviction.
  const floors = new Map<string, number>();

  function evict(): void {
    for (const uid of loaded.keys()) {
      if (loaded.size <= Math.max(capacity, 2)) return;
      if (uid !== pinnedUid) loaded.delete(uid);
    }
  }

  /** Also for `has`: its caller seals next, and other tenants may be loaded in between. */
  function touch(tenantUid: string) {
    const found = loaded.get(tenantUid);
    if (found !== undefined) {
      loaded.delete(tenantUid);
      loaded.set(tenantUid, found);
    }
    return found;
  }

  return {
    add({ tenantUid, tenantId, version }: Omit<DekPlace, 'deploymentId'>, { dek, indexKey }: DekKeys) {
      if (forgotten.has(tenantUid)) return;
      const found = touch(tenantUid);
      if (found === undefined) {
        const versions = new Map([[version, dek]]);
        const floor = floors.get(tenantUid) ?? 1;
        const find = (wanted: number) => versions.get(wanted);
        const macKey = deriveMacKey(indexKey);
        const tenant = { tenantId, floor, find, newest: dek, newestVersion: version, indexKey, macKey };
        loaded.set(tenantUid, { tenant, versions });
        evict();
        return;
      }
      found.versions.set(version, dek);
      if (version < found.tenant.newestVersion) return;
      found.tenant.newest = dek;
      found.tenant.newestVersion = version;
    },
    has(tenantUid: string, version?: number): boolean {
      const found = touch(tenantUid);
      return found !== undefined && (version === undefined || found.versions.has(version));
    },
    /** Fails with TENANT_NOT_FOUND after `forget`, and with INTERNAL if the caller did not load the tenant. */
    get(tenantUid: string): LoadedTenant {
      const found = touch(tenantUid);
      if (found !== undefined) return found.tenant;
      throw forgotten.has(tenantUid)
        ? new VaultError('TENANT_NOT_FOUND', 'The tenant and its keys were deleted.')
        : new VaultError('INTERNAL', `No data key of tenant ${tenantUid} is loaded.`);
    },
    forget(tenantUid: string) {
      forgotten.add(tenantUid);
      floors.delete(tenantUid);
      loaded.delete(tenantUid);
    },
    raiseFloor(tenantUid: string, version: number) {
      const floor = Math.max(version, floors.get(tenantUid) ?? 1);
      floors.set(tenantUid, floor);
      const found = loaded.get(tenantUid);
      if (found !== undefined) found.tenant.floor = floor;
    },
  };
}
