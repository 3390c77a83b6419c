import type { Timestamp } from '../model/clock.ts';

/** A token of the connection was served to the caller. */
export interface ServedUse {
  readonly kind: 'connection';
  readonly connectionUid: string;
  /** Undefined: only the time of the connection is written. */
  readonly caller: string | undefined;
  readonly time: Timestamp;
}

/** A caller called any method with this credential. */
export interface CredentialUse {
  readonly kind: 'credential';
  readonly caller: string;
  readonly credentialId: string;
  readonly time: Timestamp;
}

export type Use = ServedUse | CredentialUse;

/** When what was last used. Times only grow; the rows of a connection are deleted with it. */
export interface UsageStore {
  /** In one commit. A connection that does not exist any more is left out. */
  record(uses: readonly Use[]): Promise<void>;
  /** By uid; a connection that was never served is absent. */
  lastServedTimes(connectionUids: readonly string[]): Promise<ReadonlyMap<string, Timestamp>>;
  /** Callers that received tokens of the connection since then, the latest first. */
  callersOf(connectionUid: string, since: Timestamp): Promise<readonly ConnectionCaller[]>;
  /** The credentials of all callers, those that were swept excepted. */
  credentials(): Promise<readonly Omit<CredentialUse, 'kind'>[]>;
  /** Of how many tenants each caller received tokens of connections, by caller id. */
  tenantCounts(): Promise<ReadonlyMap<string, number>>;
  /** Deletes up to `limit` callers of connections that were served before `time`; returns how many. */
  sweepConnectionCallers(time: Timestamp, limit: number): Promise<number>;
  /** Deletes up to `limit` credentials of callers that were last used before `time`; returns how many. */
  sweepCredentials(time: Timestamp, limit: number): Promise<number>;
}

export interface ConnectionCaller {
  readonly caller: string;
  readonly lastServedTime: Timestamp;
}
