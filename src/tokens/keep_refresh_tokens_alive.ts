import { createJobLease } from '../background/job_lease.ts';
import { DAY, type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import { isGrantSound, isRefused, resourcesOf } from '../model/connection_resource_states.ts';
import { VaultError } from '../model/errors.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { ServedToken } from './access_token_service_interface.ts';
import { isContained } from './check_not_contained.ts';
import type { ConnectionSnapshot } from './connection_snapshot_cache.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_request.ts';
import type { TokenParts } from './token_dependencies.ts';

export const KEEP_ALIVE_PERIOD: Duration = MINUTE;

const CONCURRENCY = 4;
const BATCH_SIZE = 100;
const LEASE: Duration = 5 * SECOND;
/** For a row that can neither be redeemed nor postponed: at the head of the index it would be part of every batch. */
const QUARANTINE: Duration = DAY;
/** A failed keep-alive leaves the head of the index for an hour or two, so that it does not delay others. */
const POSTPONE: Duration = HOUR;
const IDLE_WARNING: Duration = 15 * DAY;

export interface KeepAliveParts extends TokenParts {
  readonly refresh: (purpose: string, request: RefreshRequest) => Promise<ServedToken>;
}

/** The job of one replica that redeems idle connections well within the 90 days for which an unused refresh token is valid. */
export function createKeepAlive(parts: KeepAliveParts) {
  const { stores, snapshots, clock, metrics } = parts;
  const jobLease = createJobLease(stores.leases, 'keep_alive', parts.replica);
  let stopped = false;
  let countTime: Timestamp = 0;
  /** By uid, until when. */
  const quarantine = new Map<string, Timestamp>();

  async function runBatch(): Promise<void> {
    if ((await jobLease.hold()) === undefined) return;
    const due = (await dueUids()).values();
    await Promise.all(Array.from({ length: CONCURRENCY }, () => work(due)));
    if (clock.now() < countTime) return;
    countTime = clock.now() + HOUR;
    metrics.nearIdleExpiry(await stores.connections.countNearIdleEnd(clock.now(), IDLE_WARNING));
  }

  async function dueUids(): Promise<readonly string[]> {
    const now = clock.now();
    for (const [uid, until] of quarantine) if (until <= now) quarantine.delete(uid);
    const uids = await stores.connections.dueForKeepAlive(now, BATCH_SIZE + quarantine.size);
    return uids.filter((uid) => !quarantine.has(uid)).slice(0, BATCH_SIZE);
  }

  async function work(due: Iterator<string>): Promise<void> {
    for (let next = due.next(); !next.done && !stopped; next = due.next()) {
      if ((await jobLease.hold()) === undefined) return;
      const uid = next.value;
      await keepAlive(uid).catch(() => quarantine.set(uid, clock.now() + QUARANTINE));
    }
  }

  async function keepAlive(uid: string): Promise<void> {
    let snapshot = await snapshots.findByUid(uid);
    if (snapshot === undefined) return;
    if (!snapshot.sound || isContained(parts.contained, snapshot)) return postpone(uid, DAY);
    const { connection } = snapshot;
    // Served resources come first. Refused ones follow: the grant ages all the same, and each of them may be granted again.
    const isIssue = (resource: string) => Number(connection.resourceIssues[resource] !== undefined);
    const resources = resourcesOf(connection).map(({ resource }) => resource);
    let delay: Duration = DAY;
    for (const resource of resources.toSorted((one, other) => isIssue(one) - isIssue(other))) {
      const outcome = await redeem(snapshot, resource);
      if (outcome === 'granted') return metrics.keptAlive('ok');
      if (outcome === 'unavailable') {
        delay = POSTPONE;
        break;
      }
      snapshot = await snapshots.findByUid(uid);
      if (snapshot === undefined || !isGrantSound(snapshot.connection)) break;
    }
    metrics.keptAlive('failed');
    await postpone(uid, delay);
  }

  /** `unavailable`: Entra or the database cannot answer now, for the other resources neither. */
  async function redeem(
    snapshot: ConnectionSnapshot,
    resource: string,
  ): Promise<'granted' | 'refused' | 'unavailable'> {
    const ignoreCooldown = isRefused(snapshot.connection, resource);
    const request = { snapshot, resource, priority: 'BACKGROUND', ...FORCE_REFRESH, ignoreCooldown } as const;
    try {
      await parts.refresh('keep-alive', request);
      return 'granted';
    } catch (error) {
      return error instanceof VaultError && error.retryAfter === undefined ? 'refused' : 'unavailable';
    }
  }

  async function postpone(uid: string, delay: Duration): Promise<void> {
    const held = await stores.grants.lease(uid, { owner: parts.replica, resource: '', duration: LEASE });
    if (held === undefined) return;
    const { connection } = held;
    const isDue = connection.keepAliveTime !== undefined && connection.keepAliveTime <= clock.now();
    if (!isDue) return held.release();
    const keepAliveTime = clock.now() + delay + Math.floor(delay * parts.random());
    const after = { ...connection, keepAliveTime };
    await held.record({ connection: after, refreshToken: undefined, accessToken: undefined });
  }

  const runQuietly = runOnceAtATime(() => runBatch().catch(() => {}));
  let last: Promise<void> | undefined;
  /** Joins a batch that is running. */
  async function runOnce(): Promise<void> {
    if (!stopped) last = runQuietly();
    await last;
  }

  return {
    runOnce,
    /** Keeps the lease, or takes the job over from a replica that ended. */
    async renew(): Promise<void> {
      // A failure is the next batch's, too.
      if (await jobLease.takeOver().catch(() => false)) await runOnce();
    },
    /** Waits for the running batch. */
    async stop(): Promise<void> {
      stopped = true;
      await last;
      jobLease.stop();
      await jobLease.release().catch(() => {});
    },
  };
}
