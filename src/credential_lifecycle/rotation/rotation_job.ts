import type { BatchJob } from '../../background/batch_job.ts';
import { createQuarantine } from '../../background/quarantine.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { RotationStepParts } from './rotation_parts.ts';
import { runStep } from './run_step.ts';

/** Each waits for Entra and Graph; the leader's lease must outlive a batch. */
const BATCH = 10;
/** Of a batch; the next one has a lease of its own. */
const LONG: Duration = 45 * SECOND;
/** Due a minute after a look, which took a moment, the next would be missed by the round that comes then. */
const EARLY: Duration = 5 * SECOND;

/** Takes rotations through their steps, as they come due. */
export function createRotationJob(parts: RotationStepParts): BatchJob {
  const { rotations } = parts.stores;
  const quarantine = createQuarantine(parts);
  return {
    async batch() {
      const start = performance.now();
      const due = await rotations.due(parts.clock.now() + EARLY, BATCH + quarantine.size);
      const fresh = due.filter(({ uid }) => !quarantine.has(uid)).slice(0, BATCH);
      for (const rotation of fresh) {
        if (performance.now() - start >= LONG) return true;
        await runStep(parts, rotation).catch((failure) => quarantine.add(rotation.uid, failure));
      }
      return fresh.length >= BATCH;
    },
  };
}
