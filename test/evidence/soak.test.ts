import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { SoakKind } from './soak/plan.ts';
import type { Tally } from './soak/tally.ts';

/** `npm run test:soak`: 10 simulated days with 200 users. Else less than a day with 24. */
const isLong = process.env['SOAK'] === 'long';
const seed = Number(process.env['SOAK_SEED'] ?? (isLong ? Math.floor(Math.random() * 2 ** 32) : 2));
const TIMEOUT = isLong ? 3 * 60 * 60_000 : 300_000;

const commit = isLong ? execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim() : '';
const program = fileURLToPath(new URL('soak/run.ts', import.meta.url));

/** In a process of its own, so that runs use all cores. The disk is not under test: 50,000 refreshes would wait for it for minutes. */
async function run(kind: SoakKind, outages: 'with' | 'without'): Promise<Tally> {
  const running = promisify(execFile)(
    process.execPath,
    [program, kind, String(seed), outages, isLong ? 'long' : 'short'],
    { maxBuffer: 2 ** 26, env: { ...process.env, TMPDIR: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() } },
  );
  if (isLong) running.child.stderr?.pipe(process.stderr);
  const tally: Tally = JSON.parse((await running).stdout);
  if (isLong) print(kind, outages, tally);
  return tally;
}

function print(kind: SoakKind, outages: 'with' | 'without', tally: Tally): void {
  const head = { date: new Date().toISOString(), commit, seed, run: `${kind}, ${outages} faults` };
  process.stdout.write(`${JSON.stringify({ ...head, ...tally }, undefined, 1)}\n`);
}

test.concurrent('faults of users and directories fail nobody else', { timeout: TIMEOUT }, async () => {
  const [faulty, sound] = await Promise.all([run('users', 'with'), isLong ? run('users', 'without') : undefined]);

  expect(faulty.firstWrong).toEqual([]);
  expect(faulty).toMatchObject({ wrong: 0, refusedElsewhere: 0, refusedBeside: 0 });
  // Else nothing was tried.
  const subjects = ['request', 'resource', 'connection', 'directory'];
  expect(Object.keys(faulty.outagesBySubject)).toEqual(expect.arrayContaining(subjects));
  expect(faulty.refused).toBeGreaterThan(faulty.outages);
  if (sound === undefined) return;
  expect(sound).toMatchObject({ wrong: 0, refused: 0, calls: faulty.calls });
  expect(faulty.requests / sound.requests).toBeLessThanOrEqual(1.2);
});

test.concurrent('faults of apps and credentials refuse calls while they last, and at most 5 min 30 s longer', {
  timeout: TIMEOUT,
}, async () => {
  const faulty = await run('apps', 'with');

  expect(faulty.firstWrong).toEqual([]);
  expect(faulty.wrong).toBe(0);
  expect(Object.keys(faulty.outagesBySubject)).toEqual(expect.arrayContaining(['app', 'credential']));
  expect(faulty.refused).toBeGreaterThan(faulty.outages);
});
