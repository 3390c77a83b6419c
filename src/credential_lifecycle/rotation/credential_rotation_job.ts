import type { BatchJob } from '../../background/batch_job.ts';
import { createQuarantine } from '../../background/failing_row_quarantine.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { RotationStepParts } from './rotation_dependencies.ts';
import { runStep } from './run_rotation_step.ts';

/** Each step waits for Entra and Graph, and the lease must outlast a batch. */
const BATCH = 10;
/** Of a batch; the lease is extended before the next one. */
const LONGEST_BATCH: Duration = 45 * SECOND;
/** A step that is due one minute after the previous one must not miss the next run, which starts slightly earlier. */
const EARLY: Duration = 5 * SECOND;

/** Runs the due steps of rotations. */
export function createRotationJob(parts: RotationStepParts): BatchJob {
  const { rotations } = parts.stores;
  const quarantine = createQuarantine(parts);
  return {
    async batch() {
      const start = performance.now();
      const due = await rotations.due(parts.clock.now() + EARLY, BATCH + quarantine.size);
      const ready = due.filter(({ uid }) => !quarantine.has(uid)).slice(0, BATCH);
      for (const rotation of ready) {
        if (performance.now() - start >= LONGEST_BATCH) return true;
        await runStep(parts, rotation).catch((failure) => quarantine.add(rotation.uid, failure));
      }
      return ready.length >= BATCH;
    },
  };
}
