import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type * as Caches from '../../../src/model/bounded_cache.ts';
import { runSequence, type Tally } from './run_sequence.ts';
import { sequences } from './steps.ts';
import { type Ground, prepareGround } from './world.ts';

const maps = await vi.hoisted(async () => (await import('./watched_maps.ts')).createWatchedMaps());
vi.mock('../../../src/model/bounded_cache.ts', async (load) => {
  const { createBoundedCache } = await load<typeof Caches>();
  return {
    createBoundedCache(stated: number) {
      const cap = maps.capOf(stated);
      const cache = createBoundedCache(cap);
      maps.add({ cap, size: () => cache.size });
      return cache;
    },
  };
});

/** `npm run test:evidence`. */
const isLong = process.env['TOKENVAULT_EVIDENCE_SEQUENCES'] !== undefined;
const count = Number(process.env['TOKENVAULT_EVIDENCE_SEQUENCES'] ?? 60);
/** The short mode runs the same sequences each time. */
const seed = Number(process.env['TOKENVAULT_EVIDENCE_SEED'] ?? 21);

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => ground.close());

test('a user whose own responses are all successes is served at every call', { timeout: 3_600_000 }, async () => {
  const tally: Tally = new Map();
  await fc.assert(
    fc.asyncProperty(sequences, (sequence) => runSequence(ground, sequence, tally, maps)),
    { numRuns: count, seed },
  );
  if (isLong) console.log(JSON.stringify({ seed, sequences: count, tally: Object.fromEntries(tally) }));
  expect(tally.get('served')).toBeGreaterThan(count);
  expect(maps.full).toBeGreaterThan(0);
});
