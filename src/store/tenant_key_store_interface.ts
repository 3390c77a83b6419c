import type { TenantNames } from '../keyring/keyring.ts';

/** Of data keys. */
export type KeyOwner = TenantNames;

/** The data keys of the tenants and of the vault itself, and the rotation of each to a new one. */
export interface TenantKeyStore {
  /** The owner of the canary, the root keys, the audit key and the checkpoints. */
  readonly vault: KeyOwner;
  /**
   * Adds a data key, under which every commit after this one seals. False: the last rotation is in progress.
   * TENANT_NOT_FOUND; DATABASE_UNAVAILABLE if commits of the tenant follow each other without a pause.
   */
  rotate(owner: KeyOwner): Promise<boolean>;
  /** Tenants, and the vault, by the version that they seal under. */
  countOwners(): Promise<readonly OwnerCount[]>;
  /** In order. TENANT_NOT_FOUND. */
  versions(tenantUid: string): Promise<readonly number[]>;
  countRotating(): Promise<number>;
  /** By uid. */
  listRotating(afterUid: string, limit: number): Promise<readonly RotatingTenant[]>;
  /**
   * Seals values of earlier versions again, those of about `limit` connections and apps, in one commit. If these are all
   * values of the tenant, the commit does what `retire` does, too.
   */
  reseal(tenant: RotatingTenant, from: ResealPosition | undefined, limit: number): Promise<ResealedBatch>;
  /**
   * Deletes the earlier data keys and raises the floor, in one commit with the proof that no value needs them. False: one
   * does.
   */
  retire(tenant: RotatingTenant): Promise<boolean>;
  /** After `retire`: removes the data keys from the files of the database, within a minute. */
  shredSoon(): void;
}

export interface OwnerCount {
  readonly version: number;
  readonly owners: number;
}

/** A tenant, or the vault, with data keys of earlier versions. */
export interface RotatingTenant extends KeyOwner {
  /** The newest one. */
  readonly version: number;
}

export interface ResealPosition {
  /** Connections and the rows that they have are one walk, apps another one. */
  readonly walk: number;
  /** The id of the last connection or app. */
  readonly after: string;
}

export interface ResealedBatch {
  /** Values. */
  readonly resealed: number;
  /** Values that do not open, so that they keep their data key. */
  readonly damaged: readonly DamagedSeal[];
  /** Undefined: there are no more. */
  readonly next: ResealPosition | undefined;
}

export interface DamagedSeal {
  /** As in SQL. */
  readonly table: string;
  readonly column: string;
  /** The key of the row. */
  readonly uid: string;
}
