import { startFakeEntra } from './fake_entra.ts';
import { connectionAt } from './filled_vault.ts';
import { warmAnswerBytes } from './hit.ts';
import { assertAllGood, ratePerSecond } from './load.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const SIZES = [1_000, 10_000, 100_000] as const;
const [SMALLEST, ...LARGER] = SIZES;
/** Limit of the time with many connections, as a multiple of the time with few. */
const FLAT = 1.2;

const HIT_ROUNDS = 12;
const MISS_ROUNDS = 10;
/** In total fewer than the smallest number of connections, so that each miss is a connection's first. */
const MISSES_A_ROUND = 96;
const LEAST_ANSWER = 1_000;

interface Sized {
  readonly size: number;
  readonly vault: VaultProcess;
  readonly answerBytes: number;
}

/** The hit, and the first request for a connection with an expired token, with few and many stored connections. */
export async function benchSizes(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('ES256');
  const all: Sized[] = [];
  try {
    for (const size of SIZES) {
      bench.progress(`sizes: filling a vault with ${size} connections`);
      const vault = await startVault(await bench.filled({ connections: size, accessTokens: 'stale' }), entra.url);
      all.push({ size, vault, answerBytes: await warmAnswerBytes(vault) });
    }
    return {
      title: 'Sizes: the hit and the miss with 1,000, 10,000 and 100,000 connections stored',
      figures: [...(await measureMisses(bench, all)), ...(await measureHits(bench, all))],
    };
  } finally {
    for (const { vault } of all) await vault.stop();
    await entra.process.stop();
  }
}

async function measureHits(bench: Bench, all: readonly Sized[]): Promise<Figure[]> {
  const rates = new Map<number, number[]>(SIZES.map((size) => [size, []]));
  const rounds = bench.rounds(HIT_ROUNDS);
  for (let round = -1; round < rounds; round += 1) {
    bench.progress(`sizes: hits, round ${round + 1} of ${rounds}`);
    for (const { size, vault, answerBytes } of orderOf(all, Math.max(0, round))) {
      const target = vaultTarget(vault, requestFrame(connectionAt(0)), answerBytes);
      const result = await bench.load.run(target, { streams: 16, seconds: 1 });
      assertAllGood(target, result);
      if (round >= 0) rates.get(size)?.push(ratePerSecond(result));
    }
  }
  return [
    ...SIZES.map(
      (size): Figure => ({ name: `hit, ${size} stored`, value: spread(rates.get(size) ?? []), unit: 'calls/s' }),
    ),
    ...LARGER.map(
      (size): Figure => ({
        name: `hit, time with ${size} / with ${SMALLEST}`,
        value: pairedRatio(rates.get(SMALLEST) ?? [], rates.get(size) ?? []),
        unit: 'ratio',
        aim: { atMost: FLAT },
      }),
    ),
  ];
}

async function measureMisses(bench: Bench, all: readonly Sized[]): Promise<Figure[]> {
  const times = new Map<number, number[]>(SIZES.map((size) => [size, []]));
  const rounds = bench.rounds(MISS_ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`sizes: misses, round ${round + 1} of ${rounds}`);
    for (const sized of orderOf(all, round)) times.get(sized.size)?.push(await missTime(bench, sized, round));
  }
  return [
    ...SIZES.map(
      (size): Figure => ({ name: `miss, ${size} stored, p50`, value: spread(times.get(size) ?? []), unit: 'us' }),
    ),
    ...LARGER.map(
      (size): Figure => ({
        name: `miss, time with ${size} / with ${SMALLEST}`,
        value: pairedRatio(times.get(size) ?? [], times.get(SMALLEST) ?? []),
        unit: 'ratio',
        aim: { atMost: FLAT },
      }),
    ),
  ];
}

/** The median of a round, in which each request is the first one for its connection. */
export async function missTime(
  bench: Bench,
  { size, vault }: Pick<Sized, 'size' | 'vault'>,
  round: number,
): Promise<number> {
  const before = await servedFrom(vault, 'ENTRA');
  const target = vaultTarget(vault, freshConnections(size, round), LEAST_ANSWER);
  const result = await bench.clientLoad.run(target, { streams: 4, seconds: 60, most: MISSES_A_ROUND });
  assertAllGood(target, result);
  const redeemed = (await servedFrom(vault, 'ENTRA')) - before;
  if (redeemed !== result.answers) throw new Error(`only ${redeemed} of ${result.answers} were misses`);
  return quantile(result.latencies, 0.5);
}

/** Spread over the whole table, none twice: the step is coprime to all sizes. */
function freshConnections(size: number, round: number): () => Buffer {
  const STEP = 7_919;
  let next = 1 + round * MISSES_A_ROUND;
  return () => {
    const frame = requestFrame(connectionAt((next * STEP) % size));
    next += 1;
    return frame;
  };
}
