import type { Duration, Timestamp } from '../model/clock.ts';
import type { ContainmentInEffect } from '../model/contained_set.ts';
import type { CredentialOfApp } from '../store/background_store_interfaces.ts';
import type { ListedReplica } from '../store/replication_store_interfaces.ts';
import type { DatabaseFacts } from '../store/store_interfaces.ts';
import type { CheckResult } from '../telemetry/run_readiness_checks.ts';

/** The state of the whole vault, as this process knows it. */
export interface VaultStatus {
  /** The process that answers. */
  readonly replica: string;
  readonly version: string;
  readonly ready: boolean;
  readonly checks: readonly CheckResult[];
  /** Undefined, as in the fields below: it cannot be read. */
  readonly database: DatabaseFacts | undefined;
  readonly replicas: readonly ReplicaStatus[];
  readonly leaders: readonly JobLeader[];
  /** Undefined: this process has the database to itself. */
  readonly feed: FeedStatus | undefined;
  readonly rootKeys: RootKeyStatus | undefined;
  /** Undefined: none is configured. */
  readonly callersFile: CallersFileStatus | undefined;
  readonly containments: readonly ContainmentInEffect[];
  readonly expiring: readonly CredentialOfApp[];
  readonly unread: readonly UnreadPart[];
}

export interface ReplicaStatus extends Pick<ListedReplica, 'name' | 'version' | 'startTime' | 'feedPosition'> {
  readonly heartbeatAge: Duration;
  readonly changesBehind: number;
}

export interface JobLeader {
  readonly job: string;
  /** Undefined: it has no recent heartbeat. */
  readonly replica: string | undefined;
  readonly leaseRemaining: Duration;
}

export interface FeedStatus {
  /** Since the feed was read last. */
  readonly lag: Duration;
  readonly behind: boolean;
  readonly position: number;
}

export interface RootKeyStatus {
  /** The active one, and the others that this process has. */
  readonly ids: readonly string[];
  readonly currentSince: Timestamp;
}

export interface CallersFileStatus {
  /** Of the content in use, hex. */
  readonly sha256: string;
  readonly loadTime: Timestamp;
}

/** Failures of the database must not hide the rest. */
export interface UnreadPart {
  readonly part: 'database' | 'replicas' | 'leaders' | 'root_keys' | 'expiring_credentials';
  readonly message: string;
}
