import { connectionAt } from './filled_vault.ts';
import { assertAllGood } from './load.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const IN_USE = 100_000;
const ROOMY_LIMIT = 120_000;
/** Half of the connections in use. */
const TIGHT_LIMIT = 50_000;
const ROUNDS = 14;
const ROUND = { streams: 16, seconds: 2 };
const LEAST_ANSWER = 1_000;

/** The number of the connection that a call asks for. */
type Draw = () => number;

const DRAWS: Readonly<Record<string, Draw>> = {
  'one connection': () => 0,
  'uniform random': () => Math.floor(Math.random() * IN_USE),
  'zipf 1.0': zipf(IN_USE),
};

/** Hit ratio and CPU a call with many connections in use, with a limit that holds all of them and with half of that. */
export async function benchCache(bench: Bench): Promise<SectionReport> {
  bench.progress(`cache: a vault with ${IN_USE} valid tokens`);
  const folder = await bench.filled({ connections: IN_USE, accessTokens: 'live' });
  const figures: Figure[] = [];
  for (const limit of [ROOMY_LIMIT, TIGHT_LIMIT]) {
    const environment = { TOKENVAULT_CACHED_CONNECTIONS: String(limit) };
    // No request to Entra: all tokens are valid.
    const vault = await startVault(folder, 'http://127.0.0.1:9', { environment });
    try {
      bench.progress(`cache: the first calls, limit ${limit}`);
      await callEach(bench, vault);
      figures.push(...(await measureDraws(bench, vault, limit)));
    } finally {
      await vault.stop();
    }
  }
  return { title: `Cache: ${IN_USE} connections in use, responses of 2 KB`, figures };
}

async function callEach(bench: Bench, vault: VaultProcess): Promise<void> {
  let next = 0;
  const target = targetOf(vault, () => next++ % IN_USE);
  assertAllGood(target, await bench.clientLoad.run(target, { streams: 16, seconds: 600, most: IN_USE }));
}

async function measureDraws(bench: Bench, vault: VaultProcess, limit: number): Promise<Figure[]> {
  const results = new Map(Object.keys(DRAWS).map((name) => [name, { cpu: [] as number[], hits: [] as number[] }]));
  const rounds = bench.rounds(ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`cache: limit ${limit}, round ${round + 1} of ${rounds}`);
    for (const [name, draw] of orderOf(Object.entries(DRAWS), round)) {
      const target = targetOf(vault, draw);
      const hitsBefore = await servedFrom(vault, 'CACHE');
      const before = await vault.process.usage();
      const result = await bench.clientLoad.run(target, ROUND);
      const { cpu } = await vault.process.usage();
      assertAllGood(target, result);
      results.get(name)?.cpu.push((cpu - before.cpu) / result.answers);
      results.get(name)?.hits.push(((await servedFrom(vault, 'CACHE')) - hitsBefore) / result.answers);
    }
  }
  const one = results.get('one connection')?.cpu ?? [];
  return [...results].flatMap(([name, { cpu, hits }]): Figure[] => {
    const at = `limit ${limit}, ${name}`;
    const aims = limit >= IN_USE && name !== 'one connection';
    return [
      { name: `${at}, hit ratio`, value: spread(hits), unit: 'ratio', ...(aims && { aim: { atLeast: 0.999 } }) },
      { name: `${at}, CPU a call`, value: spread(cpu), unit: 'us' },
      {
        name: `${at}, CPU / one connection`,
        value: pairedRatio(cpu, one),
        unit: 'ratio',
        ...(aims && { aim: { atMost: 1.15 } }),
      },
    ];
  });
}

function targetOf(vault: VaultProcess, draw: Draw) {
  return vaultTarget(vault, () => requestFrame(connectionAt(draw())), LEAST_ANSWER);
}

/** The connection of rank r is drawn with a probability proportional to 1 / r. */
function zipf(count: number): Draw {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    sum += 1 / rank;
    sums[rank - 1] = sum;
  }
  return () => {
    const wanted = Math.random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
