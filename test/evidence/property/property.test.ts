import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type * as Caches from '../../../src/model/bounded_cache.ts';
import { MINUTE } from '../../../src/model/clock.ts';
import { runSequence, type Tally } from './run_sequence.ts';
import { type Sequence, sequences } from './steps.ts';
import { DIRECTORIES, type Ground, prepareGround } from './world.ts';

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

const wrongSecret = { error: 'invalid_client', code: 7000215, suberror: undefined };
/** The failing connection is retried beside another one after its refusal led to a probe. */
const FAILED_BEFORE: Sequence = {
  mapLimit: undefined,
  beginning: { homeIsKnown: true, credentials: 1 },
  steps: [
    { do: 'fault', fault: { app: 'many', directory: DIRECTORIES[0], refusal: wrongSecret } },
    { do: 'code', app: 'many', user: 3 },
    { do: 'get', user: 0, resource: 0 },
    { do: 'advance', duration: 16 * MINUTE },
    { do: 'repair_all' },
    { do: 'together', users: [1, 0], resource: 0 },
  ],
  recovery: [],
};

test('a connection that failed does not use up the trial of another one', async () => {
  await runSequence(ground, FAILED_BEFORE, new Map(), maps);
});

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
