import type { Timestamp } from '../model/clock.ts';

/** The root keys and data keys of the vault. Ids are in hex. */
export interface KeyringStatus {
  /** The active one first, then retiring, available and retired ones. */
  readonly rootKeys: readonly RootKeyStatus[];
  readonly dataKeyVersions: readonly DataKeyVersionStatus[];
  /** Undefined: none is in progress. */
  readonly rotation: RotationProgress | undefined;
  readonly tenantKeyRotations: TenantKeyRotations;
}

export interface DataKeyVersionStatus {
  readonly version: number;
  readonly dataKeys: number;
  /** Tenants, and the vault itself, that seal under it. */
  readonly owners: number;
}

/** Rotations of data keys that are in progress. */
export interface TenantKeyRotations {
  readonly count: number;
  /** Some of them. Undefined: that of the vault itself. */
  readonly tenantIds: readonly (string | undefined)[];
}

/** The data keys of one owner. */
export interface TenantKeyStatus {
  /** Undefined: of the vault itself. */
  readonly tenantId: string | undefined;
  /** Values are sealed under it. */
  readonly version: number;
  /** Of data keys that values may still need. Empty: no rotation is in progress. */
  readonly olderVersions: readonly number[];
}

export interface RootKeyStatus {
  readonly id: string;
  /** `AVAILABLE`: a replica has it, and the database has not used it yet. */
  readonly state: 'ACTIVE' | 'RETIRING' | 'AVAILABLE' | 'RETIRED';
  readonly dataKeys: number;
  readonly activeTime?: Timestamp | undefined;
  readonly retireTime?: Timestamp | undefined;
  readonly keyVaultVersion?: string | undefined;
  /** Names of replicas that do not have it. */
  readonly missingReplicas: readonly string[];
  readonly advice?: string | undefined;
}

export interface RotationProgress {
  readonly rootKeyId: string;
  readonly startTime: Timestamp;
  readonly dataKeys: number;
  /** Data keys under the active root key. */
  readonly rewrapped: number;
  /** Owners of some of the others: tenant ids, or `vault`. */
  readonly pendingOwners: readonly string[];
}
