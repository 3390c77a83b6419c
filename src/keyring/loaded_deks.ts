import type { KeyObject } from 'node:crypto';
import { VaultError } from '../model/errors.ts';
import type { DekKeys, DekVersions } from './sealed_record.ts';

/** The unwrapped DEKs of one tenant. */
export interface LoadedTenant extends DekVersions {
  newest: KeyObject;
  newestVersion: number;
  indexKey: KeyObject;
}

export interface LoadedDeks {
  add(tenantUid: string, version: number, keys: DekKeys): void;
  has(tenantUid: string, version?: number): boolean;
  /** Fails with TENANT_NOT_FOUND after `forget`, and with INTERNAL when the caller did not load the tenant. */
  get(tenantUid: string): LoadedTenant;
  forget(tenantUid: string): void;
  raiseFloor(tenantUid: string, version: number): void;
}

/** Keeps the DEKs of the tenants used last, and those of `pinnedUid` always. */
export function createLoadedDeks(capacity: number, pinnedUid: string): LoadedDeks {
  const loaded = new Map<string, { tenant: LoadedTenant; versions: Map<number, KeyObject> }>();
  // Uids are never used again, so these stay forgotten: rows read before the deletion may still be on their way to `add`.
  const forgotten = new Set<string>();
  // Kept beside the DEKs: a floor must outlive their eviction.
  const floors = new Map<string, number>();

  function evict(): void {
    for (const uid of loaded.keys()) {
      if (loaded.size <= Math.max(capacity, 2)) return;
      if (uid !== pinnedUid) loaded.delete(uid);
    }
  }

  /** Asking counts as use: whoever asks seals in a moment, and others may be loaded until then. */
  function touch(tenantUid: string) {
    const found = loaded.get(tenantUid);
    if (found !== undefined) {
      loaded.delete(tenantUid);
      loaded.set(tenantUid, found);
    }
    return found;
  }

  return {
    add(tenantUid, version, keys) {
      if (forgotten.has(tenantUid)) return;
      const found = touch(tenantUid);
      if (found === undefined) {
        const versions = new Map([[version, keys.dek]]);
        const tenant = {
          floor: floors.get(tenantUid) ?? 1,
          find: (wanted: number) => versions.get(wanted),
          newest: keys.dek,
          newestVersion: version,
          indexKey: keys.indexKey,
        };
        loaded.set(tenantUid, { tenant, versions });
        evict();
        return;
      }
      found.versions.set(version, keys.dek);
      if (version >= found.tenant.newestVersion) {
        found.tenant.newest = keys.dek;
        found.tenant.newestVersion = version;
      }
    },
    has(tenantUid, version) {
      const found = touch(tenantUid);
      return found !== undefined && (version === undefined || found.versions.has(version));
    },
    get(tenantUid) {
      const found = touch(tenantUid);
      if (found === undefined) throw notLoaded(tenantUid, forgotten.has(tenantUid));
      return found.tenant;
    },
    forget(tenantUid) {
      forgotten.add(tenantUid);
      floors.delete(tenantUid);
      loaded.delete(tenantUid);
    },
    raiseFloor(tenantUid, version) {
      const floor = Math.max(version, floors.get(tenantUid) ?? 1);
      floors.set(tenantUid, floor);
      const found = loaded.get(tenantUid);
      if (found !== undefined) found.tenant.floor = floor;
    },
  };
}

function notLoaded(tenantUid: string, isForgotten: boolean): VaultError {
  return isForgotten
    ? new VaultError('TENANT_NOT_FOUND', 'The tenant was deleted, and its keys with it.')
    : new VaultError('INTERNAL', `No data key of tenant ${tenantUid} is loaded.`);
}
