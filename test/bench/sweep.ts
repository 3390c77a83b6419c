import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREDENTIALS, type Layout } from './many_credentials.ts';
import { messageOf, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import type { Sweeper, Swept } from './sweeper.ts';

const ROUNDS = 16;
const DUE = 4_000;
/** Until the page cache is warm, and the outbox has more index pages than a batch touches. */
const WARM_UPS = 8;
/** Milliseconds per 1,000 due credentials. */
const AIM = 50;
const LAYOUTS: ReadonlyArray<readonly [Layout, string]> = [
  ['registered', 'in the order of registration'],
  ['scattered', 'scattered'],
];
const BOTH = ['vault', 'plain'] as const;

type Results = Readonly<Record<Sweeper, readonly Swept[]>>;

/** Reminders of expiring credentials, compared with the bare statements that write the same number of rows. */
export async function benchSweep(bench: Bench): Promise<SectionReport> {
  const figures: Figure[] = [];
  for (const [layout, words] of LAYOUTS) figures.push(...figuresOf(words, await sweepAll(bench, layout)));
  return { title: `Sweep: 1,000 due of ${CREDENTIALS.toLocaleString('en')} credentials`, figures };
}

async function sweepAll(bench: Bench, layout: Layout): Promise<Results> {
  const folder = mkdtempSync(join(tmpdir(), 'sweep-bench-'));
  const progress = (step: string) => bench.progress(`sweep, ${layout}: ${step}`);
  progress(`writing ${CREDENTIALS} credentials`);
  const sweeper = startProcess({ script: 'sweeper.ts', args: [join(folder, 'vault.db'), String(DUE), layout] });
  const sweep = async (name: Sweeper): Promise<Swept> => {
    sweeper.child.send({ sweep: name });
    const { time, cpu } = (await messageOf(sweeper.child, 'swept')) as Swept;
    return { time: (time * 1_000) / DUE, cpu: (cpu * 1_000) / DUE };
  };
  try {
    await messageOf(sweeper.child, 'ready');
    progress('warming up');
    for (let round = 0; round < WARM_UPS; round += 1) for (const name of BOTH) await sweep(name);
    const results: Record<Sweeper, Swept[]> = { vault: [], plain: [] };
    const rounds = bench.rounds(ROUNDS);
    for (let round = 0; round < rounds; round += 1) {
      progress(`round ${round + 1} of ${rounds}`);
      for (const name of orderOf(BOTH, round)) results[name].push(await sweep(name));
    }
    if (bench.profileFolder !== undefined) {
      await sweeper.startProfile();
      for (let round = 0; round < 4; round += 1) await sweep('vault');
      writeFileSync(
        join(bench.profileFolder, `sweep_${layout}.cpuprofile`),
        JSON.stringify(await sweeper.stopProfile()),
      );
    }
    return results;
  } catch (error) {
    throw new Error(`the sweeper failed: ${sweeper.output()}`, { cause: error });
  } finally {
    await sweeper.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf(layout: string, { vault, plain }: Results): Figure[] {
  const times = (of: readonly Swept[]) => of.map(({ time }) => time);
  const cpus = (of: readonly Swept[]) => of.map(({ cpu }) => cpu);
  return [
    { name: `vault, ${layout}`, value: spread(times(vault)), unit: 'ms', aim: { atMost: AIM } },
    { name: `plain UPDATE and INSERT, ${layout}`, value: spread(times(plain)), unit: 'ms' },
    { name: `vault / plain, ${layout}`, value: pairedRatio(times(vault), times(plain)), unit: 'ratio' },
    { name: `vault, CPU, ${layout}`, value: spread(cpus(vault)), unit: 'ms' },
    { name: `plain, CPU, ${layout}`, value: spread(cpus(plain)), unit: 'ms' },
    { name: `vault / plain, CPU, ${layout}`, value: pairedRatio(cpus(vault), cpus(plain)), unit: 'ratio' },
  ];
}
