import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, type Duration, MINUTE } from '../model/clock.ts';
import type { Stores } from '../store/stores.ts';
import type { Log } from '../telemetry/log.ts';
import { whereItArose } from '../telemetry/where_it_arose.ts';
import { createIdle } from './idle.ts';
import { createOwnEnds, type KeyEnd } from './own_ends.ts';
import { createReminders } from './reminders.ts';
import type { Sweep } from './sweep.ts';

const PERIOD: Duration = MINUTE;
/** Outlives a round that is late, so that replicas do not take turns. */
const LEASE: Duration = 3 * PERIOD;
const LEASE_NAME = 'expiry';
/** Batches a round; what is left waits a minute. A table in which everything is due at once keeps nobody from being served. */
const MOST_BATCHES = 200;

export interface ExpiryWatch {
  /** One round, or the one under way; never rejects. */
  round(): Promise<void>;
  close(): Promise<void>;
}

export interface ExpiryWatchParts {
  readonly stores: Pick<Stores, 'expiry' | 'leases'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Random; whose lease it is. */
  readonly replica: string;
  readonly timers: { every(period: Duration, task: () => void): () => void };
  /** Days before an end, for tenants that have none of their own, and for the vault itself. */
  readonly thresholds: readonly number[];
  readonly tls: { readonly certFile: string; readonly clientCaFile?: string | undefined } | undefined;
  readonly apiKeys: readonly KeyEnd[];
}

/** Looks every minute at what ends, in one replica at a time, and tells it through the outbox. */
export function startExpiryWatch(parts: ExpiryWatchParts): ExpiryWatch {
  const { stores, log, replica, timers } = parts;
  const { expiry, leases } = stores;
  const sweeps = [
    createReminders({ ...parts, expiry }),
    createIdle({ ...parts, expiry }),
    createOwnEnds({ ...parts, expiry }),
  ];
  let running: Promise<void> | undefined;
  let closed = false;

  async function round(): Promise<void> {
    for (const sweep of sweeps) await run(sweep).catch(report);
  }

  async function run(sweep: Sweep): Promise<void> {
    for (let batches = 0; batches < MOST_BATCHES && !closed; batches += 1) {
      // Again before each batch, since many take longer than a lease lasts.
      if (!(await leases.acquire(LEASE_NAME, replica, LEASE))) return;
      if (!(await sweep.batch())) return;
      await turn();
    }
  }

  function report(failure: unknown): void {
    log.event('error', 'internal_error', { requestId: 'expiry', ...whereItArose(failure) });
  }

  const watch: ExpiryWatch = {
    round() {
      if (closed) return running ?? Promise.resolve();
      running ??= round().finally(() => {
        running = undefined;
      });
      return running;
    },
    async close() {
      closed = true;
      stop();
      await running;
      await leases.release(LEASE_NAME, replica).catch(report);
    },
  };
  const stop = timers.every(PERIOD, watch.round);
  // At once: a vault that is restarted within each minute would never look.
  void watch.round();
  return watch;
}
