import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSequence, type Tally } from './run_sequence.ts';
import { sequences } from './steps.ts';
import { type Ground, prepareGround } from './world.ts';

const count = Number(process.env['TOKENVAULT_EVIDENCE_SEQUENCES'] ?? 60);
/** The short mode runs the same sequences each time. */
const seed = Number(process.env['TOKENVAULT_EVIDENCE_SEED'] ?? 21);

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => ground.close());

test('a user whose own answers are all successes is served at every call', { timeout: 3_600_000 }, async () => {
  const tally: Tally = new Map();
  const start = performance.now();
  await fc.assert(
    fc.asyncProperty(sequences, (sequence) => runSequence(ground, sequence, tally)),
    { numRuns: count, seed },
  );
  if (process.env['TOKENVAULT_EVIDENCE_SEQUENCES'] !== undefined) {
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(JSON.stringify({ count, seed, seconds, tally: Object.fromEntries([...tally].sort()) }, undefined, 1));
  }
  expect(tally.get('served')).toBeGreaterThan(count);
});
