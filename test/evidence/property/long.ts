import { execFile, execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/** The long mode: `npm run test:evidence [sequences] [seed]`. Each process runs its part of the sequences, from a seed of its own. */
const [count = '10000', firstSeed = String(randomInt(2 ** 31 - 64))] = process.argv.slice(2);
const processes = Math.min(2, availableParallelism());
const share = Math.ceil(Number(count) / processes);
/** A part that fails ends the others. */
const failed = new AbortController();
const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();

interface Part {
  readonly seed: number;
  readonly sequences: number;
  readonly tally: Readonly<Record<string, number>>;
}

async function runPart(seed: number): Promise<Part> {
  const environment = { TOKENVAULT_EVIDENCE_SEQUENCES: String(share), TOKENVAULT_EVIDENCE_SEED: String(seed) };
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/evidence/property/property.test.ts'];
  const { stdout } = await promisify(execFile)(process.execPath, vitest, {
    env: { ...process.env, ...environment, NO_COLOR: '1' },
    maxBuffer: 2 ** 26,
    signal: failed.signal,
  });
  const line = stdout.split('\n').find((one) => one.startsWith('{"seed"'));
  if (line === undefined) throw new Error(`no result:\n${stdout}`);
  return JSON.parse(line) as Part;
}

const start = performance.now();
const seeds = Array.from({ length: processes }, (_, at) => Number(firstSeed) + at);
const parts = await Promise.all(seeds.map(runPart)).catch((error: { stdout?: string; stderr?: string }) => {
  failed.abort();
  console.error(error.stdout ?? error, error.stderr ?? '');
  process.exitCode = 1;
  return [];
});

if (parts.length === 0) process.exit();
const total = new Map<string, number>();
for (const { tally } of parts) {
  for (const [what, number] of Object.entries(tally)) total.set(what, (total.get(what) ?? 0) + number);
}
const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' (changed)';
console.log(`date        ${new Date().toISOString()}`);
console.log(`commit      ${git('rev-parse', '--short', 'HEAD')}${changed}`);
console.log(`node        ${process.version}`);
console.log(`seeds       ${seeds.join(', ')} (the first repeats the run: npm run test:evidence ${count} ${seeds[0]})`);
console.log(`sequences   ${parts.reduce((sum, { sequences }) => sum + sequences, 0)}, all hold`);
console.log(`wall time   ${Math.round((performance.now() - start) / 1000)} s in ${processes} processes`);
for (const [what, number] of [...total].sort()) console.log(`${String(number).padStart(11)} ${what}`);
