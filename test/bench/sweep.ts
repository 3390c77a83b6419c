import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREDENTIALS } from './many_credentials.ts';
import { messageOf, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import type { Sweeper, Swept } from './sweeper.ts';

const ROUNDS = 16;
const DUE = 4_000;
/** Milliseconds per 1,000 due. */
const AIM = 50;

/** Telling of credentials that end: read, decided and written down, beside the bare statements that write as many rows. */
export async function benchSweep(bench: Bench): Promise<SectionReport> {
  const folder = mkdtempSync(join(tmpdir(), 'sweep-bench-'));
  bench.progress(`sweep: writing ${CREDENTIALS} credentials`);
  const sweeper = startProcess({ script: 'sweeper.ts', args: [join(folder, 'vault.db'), String(DUE)] });
  const sweep = async (name: Sweeper): Promise<Swept> => {
    sweeper.child.send({ sweep: name });
    const { time, cpu } = (await messageOf(sweeper.child, 'swept')) as Swept;
    return { time: (time * 1_000) / DUE, cpu: (cpu * 1_000) / DUE };
  };
  try {
    await messageOf(sweeper.child, 'ready');
    bench.progress('sweep: warming up');
    for (const name of ['vault', 'plain', 'vault', 'plain'] as const) await sweep(name);
    const results: Record<Sweeper, Swept[]> = { vault: [], plain: [] };
    const rounds = bench.rounds(ROUNDS);
    for (let round = 0; round < rounds; round += 1) {
      bench.progress(`sweep: round ${round + 1} of ${rounds}`);
      for (const name of orderOf(['vault', 'plain'] as const, round)) results[name].push(await sweep(name));
    }
    if (bench.profileFolder !== undefined) {
      await sweeper.startProfile();
      for (let round = 0; round < 4; round += 1) await sweep('vault');
      writeFileSync(join(bench.profileFolder, 'sweep.cpuprofile'), JSON.stringify(await sweeper.stopProfile()));
    }
    return {
      title: `Sweep: 1,000 due of ${CREDENTIALS.toLocaleString('en')} credentials`,
      figures: figuresOf(results),
    };
  } catch (error) {
    throw new Error(`the sweeper said: ${sweeper.output()}`, { cause: error });
  } finally {
    await sweeper.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf({ vault, plain }: Readonly<Record<Sweeper, readonly Swept[]>>): Figure[] {
  const times = (of: readonly Swept[]) => of.map(({ time }) => time);
  const cpus = (of: readonly Swept[]) => of.map(({ cpu }) => cpu);
  return [
    { name: 'vault: read, decided, told', value: spread(times(vault)), unit: 'ms', aim: { atMost: AIM } },
    { name: 'plain UPDATE and INSERT, by hand', value: spread(times(plain)), unit: 'ms' },
    { name: 'vault / plain', value: pairedRatio(times(vault), times(plain)), unit: 'ratio' },
    { name: 'vault, CPU', value: spread(cpus(vault)), unit: 'ms' },
    { name: 'plain, CPU', value: spread(cpus(plain)), unit: 'ms' },
    { name: 'vault / plain, CPU', value: pairedRatio(cpus(vault), cpus(plain)), unit: 'ratio' },
  ];
}
