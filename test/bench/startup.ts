import { costOfStart, STARTS, type StartCost, type StartName } from './program_start.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import { startVault } from './vault_process.ts';

const MANY = 100_000;
const ROUNDS = 8;
/** Milliseconds. */
const AIM = 1_000;
/** Compared with the sources without a cache. */
const AIMS: Partial<Record<StartName, number>> = { 'sources, compile cache': 0.9, 'bundle, compile cache': 0.4 };

/** From the start of the process until /readyz succeeds: of sources and bundle, and with many stored connections. */
export async function benchStartup(bench: Bench): Promise<SectionReport> {
  return {
    title: 'Start-up: from the start of the process until it is ready',
    figures: [...(await compareStarts(bench)), ...(await compareDatabases(bench))],
  };
}

async function compareStarts(bench: Bench): Promise<Figure[]> {
  const names = Object.keys(STARTS) as StartName[];
  const costs: Record<StartName, StartCost[]> = {
    sources: [],
    'sources, compile cache': [],
    bundle: [],
    'bundle, compile cache': [],
  };
  const rounds = bench.rounds(ROUNDS);
  // The first start fills the cache.
  for (const name of names) await costOfStart(name);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`startup: sources and bundle, round ${round + 1} of ${rounds}`);
    // Each of the 24 orders begins with one of the four; in steps of 7 all four come first in turn.
    for (const name of orderOf(names, 7 * round)) costs[name].push(await costOfStart(name));
  }
  return names.flatMap((name) => {
    const [times, cpu] = (['time', 'cpu'] as const).map((key) => costs[name].map((cost) => cost[key])) as [
      number[],
      number[],
    ];
    return [
      { name, value: spread(times), unit: 'ms' },
      { name: `${name}, CPU`, value: spread(cpu), unit: 'ms' },
      ...(name === 'sources' ? [] : ratios(name, costs[name], costs.sources)),
    ] satisfies Figure[];
  });
}

function ratios(name: StartName, costs: readonly StartCost[], base: readonly StartCost[]): Figure[] {
  const ratioOf = (key: keyof StartCost) =>
    pairedRatio(
      costs.map((cost) => cost[key]),
      base.map((cost) => cost[key]),
    );
  const most = AIMS[name];
  return [
    {
      name: `${name} / sources`,
      value: ratioOf('time'),
      unit: 'ratio',
      ...(most !== undefined && { aim: { atMost: most } }),
    },
    { name: `${name} / sources, CPU`, value: ratioOf('cpu'), unit: 'ratio' },
  ];
}

async function compareDatabases(bench: Bench): Promise<Figure[]> {
  bench.progress(`startup: a vault with ${MANY} connections`);
  const folders = {
    none: await bench.filled({ connections: 0, accessTokens: 'stale' }),
    many: await bench.filled({ connections: MANY, accessTokens: 'stale' }),
  } as const;
  const times: Record<keyof typeof folders, number[]> = { none: [], many: [] };
  const rounds = bench.rounds(ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`startup: round ${round + 1} of ${rounds}`);
    for (const name of orderOf(['none', 'many'] as const, round)) {
      const vault = await startVault(folders[name], 'http://127.0.0.1:9');
      times[name].push(vault.startTime);
      await vault.stop();
    }
  }
  const more = times.many.map((time, round) => time - (times.none[round] ?? Number.NaN));
  return [
    { name: 'no connections', value: spread(times.none), unit: 'ms' },
    { name: `${MANY} connections`, value: spread(times.many), unit: 'ms' },
    { name: 'more with them', value: spread(more), unit: 'ms', aim: { atMost: AIM } },
  ];
}
