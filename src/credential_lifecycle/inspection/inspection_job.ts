import type { BatchJob } from '../../background/batch_job.ts';
import { createQuarantine } from '../../background/quarantine.ts';
import type { DueInspection } from '../../store/background_stores.ts';
import { createInspectApp, type InspectionParts } from './inspect_app.ts';

/** Two turns of those at once: with the time that each may take, well under the leader's lease, and nobody who stops the vault waits for long. */
const BATCH = 16;
const AT_ONCE = 8;

/** Looks at app registrations and their credentials, as they come due. */
export function createInspectionJob(parts: InspectionParts): BatchJob {
  const { inspections } = parts.stores;
  const quarantine = createQuarantine(parts);
  const inspect = createInspectApp(parts);

  /** One that fails costs only itself; where it is no fault of the app, none is begun any more. */
  async function inspectAll(due: readonly DueInspection[]): Promise<void> {
    const queue = due.values();
    const outages: unknown[] = [];
    const work = async () => {
      for (const one of queue) {
        try {
          await inspect(one).catch((failure) => quarantine.add(one.app.uid, failure));
        } catch (outage) {
          outages.push(outage);
        }
        if (outages.length > 0) return;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (outages.length > 0) throw outages[0];
  }

  return {
    async batch() {
      const due = await inspections.due(parts.clock.now(), BATCH + quarantine.size);
      const fresh = due.filter(({ app }) => !quarantine.has(app.uid));
      await inspectAll(fresh);
      return fresh.length >= BATCH;
    },
  };
}
