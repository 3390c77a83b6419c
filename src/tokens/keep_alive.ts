import { type Clock, DAY, type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import { isGrantSound, isRefused, resourcesOf } from '../model/connection_resources.ts';
import { VaultError } from '../model/errors.ts';
import type { Stores } from '../store/stores.ts';
import type { ServedToken } from './access_tokens.ts';
import type { ConnectionSnapshot, ConnectionSnapshots } from './connection_snapshot.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_under_lease.ts';
import type { TokenMetrics } from './token_metrics.ts';

const AT_A_TIME = 4;
const MOST_A_ROUND = 100;
const LEASE: Duration = 5 * SECOND;
/** How long a row is left out that can neither be redeemed nor put off: at the head of the index it would fill every round. */
const LEAVE_OUT: Duration = DAY;
/** A failed keep-alive leaves the head of the index for an hour or two, so that it does not keep others waiting. */
const POSTPONE: Duration = HOUR;
const IDLE_WARNING: Duration = 15 * DAY;

/** Redeems idle connections well inside the 90 days that a refresh token lives unused. */
export interface KeepAlive {
  /** One round; the next one is up to the caller. Does nothing while one runs. */
  round(): Promise<void>;
  end(): Promise<void>;
}

export interface KeepAliveParts {
  readonly stores: Pick<Stores, 'connections' | 'grants'>;
  readonly snapshots: ConnectionSnapshots;
  readonly refresh: (key: string, request: RefreshRequest) => Promise<ServedToken>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly replica: string;
  readonly metrics: TokenMetrics;
}

export function createKeepAlive(parts: KeepAliveParts): KeepAlive {
  const { stores, snapshots, clock, metrics } = parts;
  let running: Promise<void> | undefined;
  let ended = false;
  let warnTime: Timestamp = 0;
  /** By uid, until when. */
  const quarantine = new Map<string, Timestamp>();

  async function round(): Promise<void> {
    const rest = (await due()).values();
    await Promise.all(Array.from({ length: AT_A_TIME }, () => work(rest)));
    if (clock.now() < warnTime) return;
    warnTime = clock.now() + HOUR;
    metrics.nearIdleExpiry(await stores.connections.countNearIdleEnd(clock.now(), IDLE_WARNING));
  }

  async function due(): Promise<readonly string[]> {
    const now = clock.now();
    for (const [uid, until] of quarantine) if (until <= now) quarantine.delete(uid);
    const uids = await stores.connections.dueForKeepAlive(now, MOST_A_ROUND + quarantine.size);
    return uids.filter((uid) => !quarantine.has(uid)).slice(0, MOST_A_ROUND);
  }

  async function work(uids: Iterator<string>): Promise<void> {
    for (let next = uids.next(); !next.done && !ended; next = uids.next()) {
      const uid = next.value;
      await keep(uid).catch(() => quarantine.set(uid, clock.now() + LEAVE_OUT));
    }
  }

  async function keep(uid: string): Promise<void> {
    let snapshot = await snapshots.findByUid(uid);
    if (snapshot === undefined) return;
    if (!snapshot.sound) return postpone(uid, DAY);
    const { connection } = snapshot;
    // Resources that are served come first. The refused ones follow: the grant ages all the same, and any of them may be granted again.
    const refused = (resource: string) => Number(connection.resourceIssues[resource] !== undefined);
    const resources = resourcesOf(connection).map(({ resource }) => resource);
    let delay: Duration = DAY;
    for (const resource of resources.toSorted((one, other) => refused(one) - refused(other))) {
      const outcome = await redeemed(snapshot, resource);
      if (outcome === 'kept') return metrics.keptAlive('ok');
      if (outcome === 'passing') {
        delay = POSTPONE;
        break;
      }
      snapshot = await snapshots.findByUid(uid);
      if (snapshot === undefined || !isGrantSound(snapshot.connection)) break;
    }
    metrics.keptAlive('failed');
    await postpone(uid, delay);
  }

  /** `passing`: Entra or the database cannot answer now, so the other resources would fare no better. */
  async function redeemed(snapshot: ConnectionSnapshot, resource: string): Promise<'kept' | 'refused' | 'passing'> {
    const ignoreCooldown = isRefused(snapshot.connection, resource);
    try {
      await parts.refresh('keep-alive', {
        snapshot,
        resource,
        priority: 'BACKGROUND',
        ...FORCE_REFRESH,
        ignoreCooldown,
      });
      return 'kept';
    } catch (error) {
      return error instanceof VaultError && error.retryAfter === undefined ? 'refused' : 'passing';
    }
  }

  async function postpone(uid: string, delay: Duration): Promise<void> {
    const held = await stores.grants.lease(uid, { owner: parts.replica, resource: '', duration: LEASE });
    if (held === undefined) return;
    const { connection } = held;
    const isDue = connection.keepAliveTime !== undefined && connection.keepAliveTime <= clock.now();
    if (!isDue) return held.release();
    const keepAliveTime = clock.now() + delay + Math.floor(delay * parts.random());
    await held.record({
      connection: { ...connection, keepAliveTime },
      refreshToken: undefined,
      accessToken: undefined,
    });
  }

  return {
    round() {
      if (ended || running !== undefined) return running ?? Promise.resolve();
      running = round()
        .catch(() => {})
        .finally(() => {
          running = undefined;
        });
      return running;
    },
    async end() {
      ended = true;
      await running;
    },
  };
}

/** How often a round is worth its query. */
export const KEEP_ALIVE_PERIOD: Duration = MINUTE;
