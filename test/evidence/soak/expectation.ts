import { type Duration, MINUTE, SECOND } from '../../../src/model/clock.ts';
import type { Outage, Time } from './outage.ts';

/** No token lives longer, nor is any younger one left once this time has passed. */
const LONGEST_TOKEN: Duration = 91 * MINUTE;
/** The default of `min_ttl`, and the time that a call may take on a busy machine. */
const LEAST_LIFE: Duration = 90 * SECOND;

export interface Outcome {
  readonly time: Time;
  readonly target: number;
  /** `OK` or the reason of the refusal. */
  readonly reason: string;
  /** When the last token that this target got ends. */
  readonly tokenEnd: Time;
}

/** What the rule makes of a call. `wrong`: why it is not as the rule has it. */
export interface Judgement {
  readonly wrong: string | undefined;
  /** An outage of this target is in force or being recovered from. */
  readonly isExcused: boolean;
}

/** Knows the outages, and nothing of how the vault decides. */
export function createExpectation(outages: readonly Outage[], targets: number) {
  const byTarget = Array.from({ length: targets }, (): Outage[] => []);
  for (const outage of outages) for (const target of outage.targets) byTarget[target]?.push(outage);

  return function judge({ time, target, reason, tokenEnd }: Outcome): Judgement {
    const present = (byTarget[target] ?? []).filter(({ from, until }) => from <= time && time < until);
    const isExcused = present.length > 0;
    if (reason === 'OK') {
      const total = present.find(
        ({ isTotal, from, repairTime }) => isTotal && time < repairTime && time - from > LONGEST_TOKEN,
      );
      return { isExcused, wrong: total && `served for longer than a token lives, in ${total.label}` };
    }
    if (!isExcused) return { isExcused, wrong: `${reason} without an outage` };
    if (!present.some(({ reasons }) => reasons.includes(reason))) {
      return { isExcused, wrong: `${reason} is no reason for ${present.map(({ label }) => label).join(', ')}` };
    }
    if (tokenEnd - time > LEAST_LIFE && !present.some(({ dropsTokens }) => dropsTokens)) {
      return {
        isExcused,
        wrong: `${reason} although a token is left, in ${present.map(({ label }) => label).join(', ')}`,
      };
    }
    return { isExcused, wrong: undefined };
  };
}
