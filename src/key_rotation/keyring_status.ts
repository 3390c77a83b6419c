import type { Timestamp } from '../model/clock.ts';

/** The root keys and data keys of the vault. Ids are in hex. */
export interface KeyringStatus {
  /** The active one first, then retiring, available and retired ones. */
  readonly rootKeys: readonly RootKeyStatus[];
  readonly dataKeyVersions: readonly { readonly version: number; readonly dataKeys: number }[];
  /** Undefined: none is in progress. */
  readonly rotation: RotationProgress | undefined;
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
