import type { Clock } from '../model/clock.ts';
import type { MutableContainedSet } from '../model/contained_set.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Follower } from '../replication/follow_changes.ts';
import { LIVE } from '../replication/replica_heartbeat.ts';
import type { ListedReplica, Replica } from '../store/replication_store_interfaces.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { failureMessage, type ReadinessCheck, runChecks } from '../telemetry/run_readiness_checks.ts';
import { createPartReader } from './read_within_deadline.ts';
import type {
  CallersFileStatus,
  FeedStatus,
  JobLeader,
  RootKeyStatus,
  UnreadPart,
  VaultStatus,
} from './vault_status.ts';

export interface VaultStatusParts {
  readonly stores: Pick<
    Stores,
    'describe' | 'isShared' | 'replicas' | 'changes' | 'leases' | 'kekAge' | 'rootKeyIds' | 'expiry'
  >;
  readonly replica: Omit<Replica, 'feedPosition'>;
  /** Undefined: this process has the database to itself. */
  readonly feed: Pick<Follower, 'lag' | 'behind' | 'position'> | undefined;
  readonly readiness: Readonly<Record<string, ReadinessCheck>>;
  readonly callersFile: () => CallersFileStatus | undefined;
  readonly contained: Pick<MutableContainedSet, 'list'>;
  readonly clock: Clock;
}

/** Reads the state of the whole vault. */
export interface StatusReader {
  /** With this many of the credentials that expire next. Neither rejects nor waits because of the database. */
  read(credentialCount: number): Promise<VaultStatus>;
}

export function createStatusReader(parts: VaultStatusParts): StatusReader {
  const { stores, replica, feed, clock } = parts;
  const readPart = createPartReader();
  // Not those of the probes, which a check that still waits would keep from noticing that the database is back.
  const readiness = Object.fromEntries(
    Object.entries(parts.readiness).map(([name, check]) => [name, runOnceAtATime(async () => check())]),
  );

  async function listReplicas(): Promise<readonly ListedReplica[]> {
    if (stores.isShared) return stores.replicas.listLive(LIVE);
    return [{ ...replica, feedPosition: 0, heartbeatAge: 0, enforcesContainments: true }];
  }

  async function listLeaders(): Promise<readonly JobLeader[]> {
    const names = new Map((await readPart('replicas', listReplicas)).map(({ uid, name }) => [uid, name]));
    const held = await stores.leases.listHeld();
    return held.map(({ name, owner, remaining }) => ({
      job: name,
      replica: names.get(owner),
      leaseRemaining: remaining,
    }));
  }

  async function rootKeys(): Promise<RootKeyStatus> {
    const { kekId, since } = await stores.kekAge();
    return { ids: [kekId, ...stores.rootKeyIds.filter((id) => id !== kekId)], currentSince: since };
  }

  async function expiring(count: number) {
    const filter = { after: clock.now(), before: Infinity, includeUnknown: false };
    return stores.expiry.listExpiring({ size: count, after: undefined }, filter);
  }

  return {
    async read(credentialCount) {
      const unread: UnreadPart[] = [];
      const orUnread = <T>(part: UnreadPart['part'], work: () => Promise<T>, name: string = part) =>
        readPart(name, work).catch((error: unknown) => void unread.push({ part, message: failureMessage(error) }));
      const [checks, database, newest, known, leaders, keys, credentials] = await Promise.all([
        runChecks(readiness),
        orUnread('database', () => stores.describe()),
        feed && readPart('changes', () => stores.changes.newest()).catch(() => undefined),
        orUnread('replicas', listReplicas),
        orUnread('leaders', listLeaders),
        orUnread('root_keys', rootKeys),
        orUnread('expiring_credentials', () => expiring(credentialCount), `${credentialCount} credentials`),
      ]);
      for (const name of credentials?.unreachable ?? []) {
        unread.push({ part: 'expiring_credentials', message: `The stored row of ${name} was changed or is damaged.` });
      }
      const position = newest?.position ?? feed?.position ?? 0;
      return {
        replica: replica.name,
        version: replica.version,
        ready: checks.every(({ state }) => state !== 'failing'),
        checks,
        database: database ?? undefined,
        replicas: (known ?? []).map((one) => ({ ...one, changesBehind: Math.max(0, position - one.feedPosition) })),
        leaders: leaders ?? [],
        feed: feed && feedStatus(feed, position),
        rootKeys: keys ?? undefined,
        callersFile: parts.callersFile(),
        containments: parts.contained.list(),
        expiring: credentials?.items ?? [],
        unread,
      };
    },
  };
}

function feedStatus({ lag, behind }: Pick<Follower, 'lag' | 'behind'>, position: number): FeedStatus {
  return { lag, behind, position };
}
