import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type ExpiryWatch, type ExpiryWatchParts, startExpiryWatch } from '../../src/background/scheduler.ts';
import { silentWatchMetrics } from '../../src/expiry/expiry_metrics.ts';
import { createKek } from '../../src/keyring/kek.ts';
import type { VaultEvent } from '../../src/model/event.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { LogEvents } from '../../src/telemetry/log.ts';
import { startVault, type VaultUnderTest } from '../conformance/vault_under_test.ts';

export const DEFAULT = [60, 30, 14, 7, 3, 1, 0];

export interface WatchWorld extends VaultUnderTest {
  /** A watch of a replica; whoever is named anew is another one. Rounds come when the test says so. */
  watch(replica: string, parts?: Partial<ExpiryWatchParts>): Promise<ExpiryWatch>;
  /** What was told, without what the connections of the world tell of themselves. */
  told(): Promise<readonly VaultEvent[]>;
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
    async watch(replica, parts = {}) {
      const watch = startExpiryWatch({
        stores: vault.stores,
        clock: vault.clock,
        log: {
          event: <Name extends keyof LogEvents>(level: string, name: Name, fields: LogEvents[Name]) =>
            void lines.push({ level, name, fields }),
        },
        metrics: silentWatchMetrics,
        replica,
        every: () => () => {},
        thresholds: DEFAULT,
        tls: undefined,
        apiKeys: [],
        asking: () => [],
        ...parts,
      });
      // The one that it begins with.
      await watch.round();
      return watch;
    },
    async told() {
      const events = await vault.stores.outbox.read(0, 100_000);
      return events.map(({ event }) => event).filter(({ type }) => type !== 'connection.changed');
    },
  };
}
