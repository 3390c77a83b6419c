import type { RequestCounts } from '../../../src/sandbox/state/request_log.ts';
import type { Judgement } from './expectation.ts';
import type { Layout, Target } from './layout.ts';
import type { Outage, Time } from './outage.ts';

/** Result of a run. */
export interface Tally {
  readonly simulatedHours: number;
  readonly outages: number;
  readonly outagesBySubject: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly refused: number;
  readonly refusedByReason: Readonly<Record<string, number>>;
  /** Calls of users in other directories than the two with faults. */
  readonly callsElsewhere: number;
  readonly refusedElsewhere: number;
  /** Calls of users without faults of their own in these two directories, while the whole directory was in order. */
  readonly callsBeside: number;
  readonly refusedBeside: number;
  /** Calls in an outage of the target, its recovery included. */
  readonly callsInOutages: number;
  /** Requests to the token endpoint. */
  readonly requests: number;
  readonly granted: number;
  /** Calls that are not as the rule has it: how many, and the first ones. */
  readonly wrong: number;
  readonly firstWrong: readonly string[];
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

const MOST_WRONG = 30;

export function createTally(layout: Layout, outages: readonly Outage[]) {
  const start = performance.now();
  const faultyDirectories = new Set<number>(layout.faultyDirectories);
  const refusedByReason: Record<string, number> = {};
  const count = { calls: 0, refused: 0, callsElsewhere: 0, refusedElsewhere: 0, callsBeside: 0, refusedBeside: 0 };
  let callsInOutages = 0;
  let wrong = 0;
  const firstWrong: string[] = [];

  return {
    called({ user }: Target, reason: string, { isExcused }: Judgement): void {
      const refused = Number(reason !== 'OK');
      count.calls += 1;
      count.refused += refused;
      if (refused) refusedByReason[reason] = (refusedByReason[reason] ?? 0) + 1;
      if (isExcused) callsInOutages += 1;
      if (!faultyDirectories.has(user.directory)) {
        count.callsElsewhere += 1;
        count.refusedElsewhere += refused;
      } else if (!user.isFaulty && !isExcused) {
        count.callsBeside += 1;
        count.refusedBeside += refused;
      }
    },
    wrong(text: string): void {
      wrong += 1;
      if (firstWrong.length >= MOST_WRONG) return;
      firstWrong.push(text);
      process.stderr.write(`${text}\n`);
    },
    close({ byEndpoint, byOutcome }: RequestCounts, time: Time): Tally {
      const { user, system } = process.cpuUsage();
      return {
        ...count,
        simulatedHours: Math.round(time / 3_600_000),
        outages: outages.length,
        outagesBySubject: Object.fromEntries(
          [...Map.groupBy(outages, ({ subject }) => subject)].map(([subject, those]) => [subject, those.length]),
        ),
        refusedByReason,
        callsInOutages,
        requests: byEndpoint['token'] ?? 0,
        granted: byOutcome['ok'] ?? 0,
        wrong,
        firstWrong,
        wallSeconds: Math.round((performance.now() - start) / 100) / 10,
        cpuSeconds: Math.round((user + system) / 100_000) / 10,
      };
    },
  };
}
