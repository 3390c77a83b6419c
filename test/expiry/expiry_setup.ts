import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type Scheduler, type SchedulerParts, startScheduler } from '../../src/background/scheduler.ts';
import { createExpiryJobs, type ExpiryJobsParts } from '../../src/expiry/expiry_reminder_jobs.ts';
import { silentExpiryMetrics } from '../../src/expiry/published_event_and_vault_expiry_metrics.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { LogEvents } from '../../src/telemetry/log_events.ts';
import { startVault, type VaultUnderTest } from '../conformance/vault_under_test.ts';

export const DEFAULT = [60, 30, 14, 7, 3, 1, 0];

type ScheduleParts = ExpiryJobsParts & Pick<SchedulerParts, 'leases' | 'remoteJobs'>;

export interface WatchWorld extends VaultUnderTest {
  /** The scheduler of one replica, after its first run. Further runs start when the test calls `runOnce`. */
  schedule(replica: string, parts?: Partial<ScheduleParts>): Promise<Scheduler>;
  /** The published events, without changes of connections. */
  published(): Promise<readonly VaultEvent[]>;
  /** Lines of the log. */
  readonly lines: { level: string; name: string; fields: object }[];
}

/** The real stores over a real database, and a clock that a test moves. */
export async function openWatchWorld(): Promise<WatchWorld> {
  const vault = await startVault(async (clock) => {
    const database = await openDatabase({ url: 'sqlite::memory:' });
    const keks = { current: createKek(randomBytes(32)) };
    return { stores: await createStores({ database, keks, clock }), database };
  });
  onTestFinished(() => vault.stores.close());
  const lines: WatchWorld['lines'] = [];
  return {
    ...vault,
    lines,
    async schedule(replica, parts = {}) {
      const log: ExpiryJobsParts['log'] = {
        event: <Name extends keyof LogEvents>(level: string, name: Name, fields: LogEvents[Name]) =>
          void lines.push({ level, name, fields }),
      };
      const { jobs, localJob } = createExpiryJobs({
        stores: vault.stores,
        clock: vault.clock,
        log,
        metrics: silentExpiryMetrics,
        thresholds: DEFAULT,
        tls: undefined,
        apiKeys: () => [],
        ...parts,
      });
      const scheduler = startScheduler({
        leases: parts.leases ?? vault.stores.leases,
        every: () => () => {},
        log,
        replica,
        jobs,
        remoteJobs: parts.remoteJobs ?? [],
        localJob,
      });
      await scheduler.runOnce();
      return scheduler;
    },
    async published() {
      const events = await vault.stores.outbox.read(0, 100_000);
      return events.map(({ event }) => event).filter(({ type }) => type !== 'connection.changed');
    },
  };
}
