import type { KnownRootKey } from '../keyring/known_root_keys.ts';
import { type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import type { KeyOwner } from './tenant_key_store_interface.ts';

/** A replica whose heartbeat is not older counts, also if it is cut off from the database. */
export const REPLICA_SEEN_WITHIN: Duration = MINUTE;

/** The root keys of the database, and the rotation from one to another. Ids are in hex. */
export interface RootKeyStore {
  read(): Promise<RootKeys>;
  /**
   * After the first heartbeat: RECORD_CORRUPT if this process lacks a root key that is in use. Waits for a commit of
   * `activate` that did not see the heartbeat.
   */
  confirm(): Promise<void>;
  /** How many data keys are wrapped under which root key. Reads the whole table. */
  countDataKeys(): Promise<readonly DataKeyCount[]>;
  /** Owners of data keys that are not wrapped under the active root key: tenant ids, or `vault`. */
  listPending(limit: number): Promise<readonly string[]>;
  /** Makes a root key of this process the active one, under which new data keys are wrapped. */
  activate(id: string, time: Timestamp): Promise<Activation>;
  /** Wraps data keys under the active root key in one commit, in the order of their positions. */
  rewrap(after: DataKeyPosition | undefined, limit: number): Promise<RewrappedBatch>;
  /**
   * Marks the keys of `retiring` as retired, in one commit with the proof that no data key is wrapped under another root
   * key than the active one. Undefined: one is.
   */
  retire(time: Timestamp): Promise<readonly KnownRootKey[] | undefined>;
}

export interface RootKeys {
  readonly active: KnownRootKey;
  /** Data keys may be wrapped under them. Empty: no rotation is in progress. */
  readonly retiring: readonly KnownRootKey[];
  /** No data key is wrapped under them. */
  readonly retired: readonly KnownRootKey[];
}

export type Activation =
  /** `activated` is false if the key was the active one already. */
  | { readonly kind: 'active'; readonly activated: boolean }
  /** An earlier rotation ended its use. */
  | { readonly kind: 'retired' }
  /** Names of replicas with a heartbeat in the last minute that do not have the key. Empty: this process lacks it. */
  | { readonly kind: 'missing'; readonly replicas: readonly string[] };

export interface DataKeyCount {
  readonly rootKeyId: string;
  /** Of the tenant's data keys, from 1 up. */
  readonly version: number;
  readonly dataKeys: number;
}

export interface DataKeyPosition {
  readonly tenantUid: string;
  readonly version: number;
}

export interface RewrappedBatch {
  readonly rewrapped: number;
  /** Data keys that do not open, so that they keep their root key. */
  readonly damaged: readonly (DataKeyPosition & KeyOwner)[];
  /** Of the last data key that was read. Undefined: there are no more. */
  readonly last: DataKeyPosition | undefined;
}
