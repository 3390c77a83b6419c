import type { PacedResult } from './paced_client.ts';
import type { Figure } from './section.ts';
import { pairedRatio, spread } from './statistics.ts';

/** Where the other caller's calls go: nowhere, to an echo server, or to the vault. */
export const FLOOD_SIDES = ['none', 'echo', 'hits', 'forced exchanges'] as const;
export type FloodSide = (typeof FLOOD_SIDES)[number];

export interface FloodRun {
  /** p99 of the caller that keeps its rate, in microseconds. */
  readonly hits: number;
  readonly refreshes: number;
  readonly flood: PacedResult | undefined;
  /** Of each server during the run, in microseconds. */
  readonly cpu: Readonly<Record<'vault' | 'echo', number>>;
}

export type FloodRound = Readonly<Record<FloodSide, FloodRun>>;

const AIM = 2;

export function floodFigures(rounds: readonly FloodRound[], seconds: number): Figure[] {
  const of = (side: FloodSide, value: (run: FloodRun) => number) => rounds.map((round) => value(round[side]));
  const figures: Figure[] = [];
  for (const calls of ['hits', 'refreshes'] as const) {
    const p99 = (side: FloodSide) => of(side, (run) => run[calls]);
    const ratio = (side: FloodSide, base: FloodSide) => ({
      value: pairedRatio(p99(side), p99(base)),
      unit: 'ratio' as const,
    });
    figures.push({ name: `flood at an echo server, ${calls}: p99 with / without`, ...ratio('echo', 'none') });
    for (const side of ['hits', 'forced exchanges'] as const) {
      const name = `flood of ${side}, ${calls}: p99`;
      figures.push(
        { name: `${name} with / without`, ...ratio(side, 'none'), aim: { atMost: AIM } },
        { name: `${name} with / flood at an echo server`, ...ratio(side, 'echo'), aim: { atMost: AIM } },
      );
    }
    for (const side of FLOOD_SIDES)
      figures.push({ name: `${calls}, p99, flood: ${side}`, value: spread(p99(side)), unit: 'us' });
  }
  figures.push({
    name: 'CPU a call, echo',
    value: spread(rounds.map(({ echo }) => ofCall(echo, echo.cpu.echo))),
    unit: 'us',
  });
  for (const side of ['hits', 'forced exchanges'] as const) {
    const cpu = rounds.map((round) => ofCall(round[side], round[side].cpu.vault - round.none.cpu.vault));
    figures.push(
      { name: `CPU a call, flood of ${side}`, value: spread(cpu), unit: 'us' },
      {
        name: `accepted, flood of ${side}`,
        value: spread(of(side, (run) => answers(run).good / seconds)),
        unit: 'calls/s',
      },
      {
        name: `refused, flood of ${side}`,
        value: spread(of(side, (run) => answers(run).refused / seconds)),
        unit: 'calls/s',
      },
    );
  }
  return figures;
}

/** Of the flood. */
function ofCall(run: FloodRun, cpu: number): number {
  const { good, refused } = answers(run);
  return cpu / (good + refused);
}

function answers({ flood }: FloodRun): { good: number; refused: number } {
  const { 0: good = 0, ...errors } = flood?.statuses ?? {};
  return { good, refused: Object.values(errors).reduce((sum, count) => sum + count, 0) };
}
