import type { Aim, Figure, SectionReport } from './section.ts';
import type { SoakStep } from './soak_client.ts';
import type { SoakProbe } from './soak_probe.ts';
import { type Spread, spread } from './statistics.ts';

/** A step of ten seconds of a soak of 60 minutes. */
export interface Sample extends SoakStep, SoakProbe {
  /** Of the soak of 60 minutes, at the end of the step. */
  readonly minute: number;
  /** Of the server, in microseconds: since its start, and a call of the step. */
  readonly cpu: number;
  readonly cpuOfCall: number;
  readonly machineLoad: number;
}

/** Minutes of a connection, from its start. */
const EARLY = { from: 2, to: 10 } as const;
const LATE_MINUTES = 10;
/** A shorter connection has no last minutes after its early ones. */
const SHORTEST = EARLY.to + LATE_MINUTES;
const GROWTH: Aim = { atMost: 1.1 };

interface Measure {
  readonly what: string;
  readonly unit: Figure['unit'];
  readonly of: (sample: Sample) => number;
  readonly aim?: Aim;
  readonly growth?: Aim;
  /** In place of the median of the steps. */
  readonly mean?: true;
}

const MEASURES: readonly Measure[] = [
  {
    what: 'survivors of scavenges, mean',
    unit: '%',
    of: ({ survived, young }) => (100 * survived) / young,
    aim: { atMost: 2 },
    growth: GROWTH,
    mean: true,
  },
  { what: 'RSS', unit: 'bytes', of: ({ resident }) => resident, growth: GROWTH },
  { what: 'p99 of a step', unit: 'us', of: ({ p99 }) => p99, growth: GROWTH },
  { what: 'p50 of a step', unit: 'us', of: ({ p50 }) => p50 },
  { what: 'CPU a call', unit: 'us', of: ({ cpuOfCall }) => cpuOfCall },
  { what: 'pause of a scavenge', unit: 'us', of: ({ pause, scavenges }) => pause / scavenges },
  { what: 'full collections of a step, mean', unit: 'ratio', of: ({ fullCollections }) => fullCollections, mean: true },
  { what: 'load of the machine', unit: 'ratio', of: ({ machineLoad }) => machineLoad },
];

/** The early and the last minutes of each connection that lasted long enough. */
export function soakReports(title: string, samples: readonly Sample[]): SectionReport[] {
  return [...byConnection(samples)].flatMap(([connection, own]) => {
    const [first, last] = [own[0]?.minute ?? 0, own.at(-1)?.minute ?? 0];
    if (last - first < SHORTEST) return [];
    const early = own.filter(({ minute }) => minute > first + EARLY.from && minute <= first + EARLY.to);
    const late = own.filter(({ minute }) => minute > last - LATE_MINUTES);
    const figures = MEASURES.flatMap((measure) => compare(measure, early, late));
    return [{ title: `${title}: connection ${connection}, ${(last - first).toFixed(0)} minutes`, figures }];
  });
}

/** Without the steps in which a connection began, because they belong to two. */
function byConnection(samples: readonly Sample[]): Map<number, Sample[]> {
  const whole = samples.filter(({ isFirst }) => !isFirst);
  return Map.groupBy(whole, ({ connection }) => connection);
}

function compare(measure: Measure, early: readonly Sample[], late: readonly Sample[]): Figure[] {
  const { what, unit, aim, growth } = measure;
  const [before, after] = [spreadOf(measure, early), spreadOf(measure, late)];
  const ratio = after.median / before.median;
  const withAim = (wanted: Aim | undefined) => (wanted === undefined ? {} : { aim: wanted });
  return [
    { name: `${what}, minutes 2 to 10`, value: before, unit, ...withAim(aim) },
    { name: `${what}, last 10 minutes`, value: after, unit, ...withAim(aim) },
    {
      name: `${what}, last / first`,
      value: { median: ratio, low: ratio, high: ratio, rounds: 1 },
      unit: 'ratio',
      ...withAim(growth),
    },
  ];
}

/** Without steps in which the server collected nothing. */
function spreadOf({ of, mean }: Measure, samples: readonly Sample[]): Spread {
  const values = samples.map(of).filter((value) => !Number.isNaN(value));
  const all = spread(values);
  return mean ? { ...all, median: values.reduce((sum, value) => sum + value, 0) / values.length } : all;
}
