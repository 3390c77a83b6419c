import { setImmediate as turn } from 'node:timers/promises';
import { createTold, type Told } from '../expiry/event_reporter.ts';
import type { Every } from '../expiry/follow_events.ts';
import { createIdle } from '../expiry/idle_connections.ts';
import { createReminders } from '../expiry/reminders.ts';
import { createOwnEnds, type OwnEndsParts } from '../expiry/vault_expiries.ts';
import { type Duration, MINUTE } from '../model/clock.ts';
import type { Stores } from '../store/stores.ts';
import { whereItArose } from '../telemetry/error_location.ts';
import type { Sweep } from './batch_job.ts';

const PERIOD: Duration = MINUTE;
/** Outlives a round that comes late, so that replicas do not take turns. */
const LEASE: Duration = 3 * PERIOD;
const LEASE_NAME = 'expiry';
/** Of each sweep and round; what is left waits a minute. */
const MOST_BATCHES = 200;
/** Of a sweep that waits for others: those that need nobody have their turn again soon. */
const LONGEST_WAIT: Duration = 2 * PERIOD;

export interface ExpiryWatch {
  /** One round, or the one under way; never rejects. */
  round(): Promise<void>;
  close(): Promise<void>;
}

export interface ExpiryWatchParts extends Omit<OwnEndsParts, 'expiry' | 'told' | 'kek'> {
  readonly stores: Pick<Stores, 'expiry' | 'leases' | 'kekAge' | 'kekTold'>;
  readonly every: Every;
  /** Random; whose lease it is. */
  readonly replica: string;
  /** Days before an end, for tenants that have none of their own, and for the vault itself. */
  readonly thresholds: readonly number[];
  /** Sweeps that wait for Entra, Graph or key vaults, in the order of their turns. */
  readonly asking: (told: Told) => readonly Sweep[];
}

/** Looks every minute at what ends, and tells it through the outbox: for what all replicas share, one of them. */
export function startExpiryWatch(parts: ExpiryWatchParts): ExpiryWatch {
  const { log, replica } = parts;
  const { expiry, leases } = parts.stores;
  const told = createTold(parts);
  const rooms = { ...parts, expiry, told, kek: parts.stores };
  const sweeps = [createReminders(rooms), createIdle(rooms)];
  const asking = parts.asking(told);
  const ownEnds = createOwnEnds(rooms);
  let running: Promise<void> | undefined;
  let closed = false;

  async function look(): Promise<void> {
    // None waits for another that fails.
    for (const sweep of sweeps) await drain(sweep).catch(report);
    for (const sweep of asking) await drain(sweep, LONGEST_WAIT).catch(report);
    await ownEnds.look().catch(report);
  }

  async function drain(sweep: Sweep, longest: Duration = Infinity): Promise<void> {
    const start = performance.now();
    for (let batches = 0; batches < MOST_BATCHES && !closed; batches += 1) {
      if (performance.now() - start >= longest) return;
      // Before each batch, since many of them outlast a lease.
      if (!(await leases.acquire(LEASE_NAME, replica, LEASE))) return;
      if (!(await sweep.batch())) return;
      await turn();
    }
  }

  function report(failure: unknown): void {
    log.event('error', 'internal_error', { requestId: '', ...whereItArose(failure) });
  }

  function round(): Promise<void> {
    if (closed) return running ?? Promise.resolve();
    running ??= look().finally(() => {
      running = undefined;
    });
    return running;
  }

  const stop = parts.every(PERIOD, round);
  // At once: a vault that is restarted within each minute would never look.
  void round();
  return {
    round,
    async close() {
      closed = true;
      stop();
      await running;
      await leases.release(LEASE_NAME, replica).catch(report);
    },
  };
}
