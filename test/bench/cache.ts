import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectionAt } from './filled_vault.ts';
import { assertAllGood } from './load.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import {
  requestFrame,
  servedFrom,
  startVault,
  untilUsageIsWritten,
  type VaultProcess,
  vaultTarget,
} from './vault_process.ts';

const ROUNDS = 14;
const ROUND = { streams: 16, seconds: 2 };
const LEAST_ANSWER = 1_000;
const LEAST_HIT_RATIO = 0.999;
const MOST_CPU = 1.15;

/** The number of the connection that a call asks for. */
type Draw = () => number;

interface Measured {
  readonly cpu: number[];
  readonly hits: number[];
}

/** Hit ratio and CPU a call with many connections in use, with a limit that holds all of them and with half of that. */
export async function benchCache(bench: Bench): Promise<SectionReport> {
  const inUse = bench.isQuick ? 20_000 : 100_000;
  bench.progress(`cache: a vault with ${inUse} valid tokens`);
  const folder = await bench.filled({ connections: inUse, accessTokens: 'live' });
  const figures: Figure[] = [];
  for (const limit of [inUse * 1.2, inUse / 2]) {
    const environment = { TOKENVAULT_CACHED_CONNECTIONS: String(limit) };
    // No request to Entra: all tokens are valid.
    const vault = await startVault(folder, 'http://127.0.0.1:9', { environment });
    try {
      bench.progress(`cache: the first calls, limit ${limit}`);
      await callEach(bench, vault, Math.min(limit, inUse));
      await untilUsageIsWritten(vault);
      const results = await measureDraws(bench, vault, drawsOf(inUse), `limit ${limit}`);
      figures.push(...figuresOf(results, `limit ${limit}`, limit >= inUse));
      if (bench.profileFolder !== undefined && limit >= inUse) await profileDraws(bench, vault, drawsOf(inUse));
    } finally {
      await vault.stop();
    }
  }
  return { title: `Cache: ${inUse} connections in use, responses of 2 KB`, figures };
}

/** Twice, because the first hit after a read from the database fills what a hit keeps. */
async function callEach(bench: Bench, vault: VaultProcess, count: number): Promise<void> {
  let next = 0;
  const target = targetOf(vault, () => next++ % count);
  assertAllGood(target, await bench.clientLoad.run(target, { streams: 16, seconds: 600, most: 2 * count }));
}

function drawsOf(inUse: number): Readonly<Record<string, Draw>> {
  return {
    [ONE]: () => 0,
    'uniform random': () => Math.floor(Math.random() * inUse),
    'zipf 1.0': zipf(inUse),
  };
}

const ONE = 'one connection';

async function measureDraws(
  bench: Bench,
  vault: VaultProcess,
  draws: Readonly<Record<string, Draw>>,
  what: string,
): Promise<ReadonlyMap<string, Measured>> {
  const results = new Map<string, Measured>(Object.keys(draws).map((name) => [name, { cpu: [], hits: [] }]));
  const rounds = bench.rounds(ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`cache: ${what}, round ${round + 1} of ${rounds}`);
    for (const [name, draw] of orderOf(Object.entries(draws), round)) {
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
  return results;
}

async function profileDraws(bench: Bench, vault: VaultProcess, draws: Readonly<Record<string, Draw>>): Promise<void> {
  for (const [name, draw] of Object.entries(draws)) {
    bench.progress(`cache: a profile, ${name}`);
    await vault.process.startProfile();
    await bench.clientLoad.run(targetOf(vault, draw), { ...ROUND, seconds: 10 });
    const file = join(bench.profileFolder ?? '.', `cache_${name.replace(' ', '_')}.cpuprofile`);
    writeFileSync(file, JSON.stringify(await vault.process.stopProfile()));
  }
}

function figuresOf(results: ReadonlyMap<string, Measured>, what: string, hasAims: boolean): Figure[] {
  const one = results.get(ONE)?.cpu ?? [];
  return [...results].flatMap(([name, { cpu, hits }]): Figure[] => {
    const at = `${what}, ${name}`;
    const own: Figure[] = [
      {
        name: `${at}, hit ratio`,
        value: spread(hits),
        unit: 'share',
        ...(hasAims && { aim: { atLeast: LEAST_HIT_RATIO } }),
      },
      { name: `${at}, CPU a call`, value: spread(cpu), unit: 'us' },
    ];
    if (name === ONE) return own;
    const aim = hasAims && { aim: { atMost: MOST_CPU } };
    return [...own, { name: `${at}, CPU / ${ONE}`, value: pairedRatio(cpu, one), unit: 'ratio', ...aim }];
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
