import type { Measured } from './hit.ts';
import { ratePerSecond } from './load.ts';
import type { Figure } from './section.ts';
import { pairedRatio, quantile, spread } from './statistics.ts';

/** Minimum shares of the throughput of the echo servers, and whether the p99 has an aim. */
export interface Aims {
  readonly aim: number;
  readonly tunedAim?: number;
  readonly comparesTail?: boolean;
}

type Results = ReadonlyMap<string, readonly Measured[]>;

/** Milliseconds. A base whose scavenges take longer is slowed down by them, so the p99 must be far below its own. */
const SLOW_SCAVENGE = 10;

/** The figures of one number of streams, from rounds of `vault`, its peers, and maybe `base`. */
export function hitFigures(results: Results, streams: number, { aim, tunedAim, comparesTail = false }: Aims): Figure[] {
  const at = `${streams} in flight`;
  const rates = (name: string) => (results.get(name) ?? []).map(ratePerSecond);
  const ratio = (peer: string, atLeast?: number): Figure => ({
    name: `vault / ${peer}, ${at}`,
    value: pairedRatio(rates('vault'), rates(peer)),
    unit: 'ratio',
    ...(atLeast !== undefined && { aim: { atLeast } }),
  });
  return [
    ratio('echo', aim),
    ratio('tuned echo', tunedAim),
    ratio('ready buffer'),
    ...(results.has('base') ? [ratio('base'), ...baseFigures(results, at, comparesTail)] : []),
    ...[...results].flatMap(([name, rounds]) => peerFigures(`${name}, ${at}`, rounds)),
  ];
}

function peerFigures(name: string, rounds: readonly Measured[]): Figure[] {
  return [
    { name, value: spread(rounds.map(ratePerSecond)), unit: 'calls/s' },
    { name: `${name}, p50`, value: spread(rounds.map((one) => quantile(one.latencies, 0.5))), unit: 'us' },
    { name: `${name}, p99`, value: spread(rounds.map(p99)), unit: 'us' },
    { name: `${name}, CPU a call`, value: spread(rounds.map(({ cpu }) => cpu)), unit: 'us' },
    { name: `${name}, CPU of the main thread`, value: spread(rounds.map(({ mainThread }) => mainThread)), unit: 'us' },
    { name: `${name}, GC pauses a call`, value: spread(rounds.map(({ gc }) => gc)), unit: 'us' },
    { name: `${name}, mean scavenge`, value: spread(scavenges(rounds)), unit: 'us' },
  ];
}

function baseFigures(results: Results, at: string, comparesTail: boolean): Figure[] {
  const vault = results.get('vault') ?? [];
  const base = results.get('base') ?? [];
  const cpu = pairedRatio(
    vault.map((one) => one.cpu),
    base.map((one) => one.cpu),
  );
  const figures: Figure[] = [{ name: `CPU a call: vault / base, ${at}`, value: cpu, unit: 'ratio' }];
  if (!comparesTail) return figures;
  const pairs = vault.flatMap((one, round) => {
    const other = base[round];
    return other === undefined ? [] : [{ vault: p99(one), base: p99(other), isSlow: isSlow(other) }];
  });
  for (const [where, slow, atMost] of [
    ['above', true, 0.5],
    ['up to', false, 1.0],
  ] as const) {
    const chosen = pairs.filter((pair) => pair.isSlow === slow);
    const rounds = `rounds with the base's mean scavenge ${where} ${SLOW_SCAVENGE} ms`;
    figures.push({ name: `${rounds}, ${at}`, value: spread([chosen.length]), unit: 'rounds' });
    if (chosen.length === 0) continue;
    const value = pairedRatio(
      chosen.map((pair) => pair.vault),
      chosen.map((pair) => pair.base),
    );
    figures.push({ name: `p99: vault / base, ${at}, ${rounds}`, value, unit: 'ratio', aim: { atMost } });
  }
  return figures;
}

function p99({ latencies }: Measured): number {
  return quantile(latencies, 0.99);
}

function isSlow({ meanScavenge }: Measured): boolean {
  return meanScavenge > SLOW_SCAVENGE;
}

/** Microseconds, of the rounds with scavenges. */
function scavenges(rounds: readonly Measured[]): number[] {
  return rounds.map(({ meanScavenge }) => meanScavenge * 1_000).filter((mean) => !Number.isNaN(mean));
}
