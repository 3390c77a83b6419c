import type { BatchJob } from '../../background/batch_job.ts';
import { createQuarantine } from '../../background/failing_row_quarantine.ts';
import type { DueInspection } from '../../store/background_store_interfaces.ts';
import { createInspectApp } from './inspect_app_credentials.ts';
import type { InspectionParts } from './inspection_dependencies.ts';

/** Two rounds of CONCURRENCY: with the time limit of each app well below the lease, and short enough for a shutdown. */
const BATCH = 16;
const CONCURRENCY = 8;

/** Inspects app registrations and their credentials when they are due. */
export function createInspectionJob(parts: InspectionParts): BatchJob {
  const { inspections } = parts.stores;
  const quarantine = createQuarantine(parts);
  const inspect = createInspectApp(parts);

  /** A failure caused by one app does not stop the others; an outage stops all. */
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
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    if (outages.length > 0) throw outages[0];
  }

  return {
    async batch() {
      const due = await inspections.due(parts.clock.now(), BATCH + quarantine.size);
      const ready = due.filter(({ app }) => !quarantine.has(app.uid));
      await inspectAll(ready);
      return ready.length >= BATCH;
    },
  };
}
