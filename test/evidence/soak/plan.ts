import { DAY, type Duration, MINUTE } from '../../../src/model/clock.ts';
import { planAppOutages } from './app_outages.ts';
import type { Layout } from './layout.ts';
import { type Outage, RETRIES, type Time } from './outage.ts';
import { createSeededRandom } from './random.ts';
import { planUserOutages } from './user_outages.ts';

/** How often each user asks for a token of each resource. */
export const CALL_EVERY: Duration = 15 * MINUTE;
/** Users do not ask at once, but some together: each jump of the clock costs the soak time. */
const PHASE: Duration = 3 * MINUTE;

export type SoakKind = 'users' | 'apps';

export interface Plan {
  readonly outages: readonly Outage[];
  /** By time, in order: the targets that ask then. */
  readonly calls: ReadonlyMap<Time, readonly number[]>;
}

/** The calls do not depend on whether the outages happen, so that a run without them can be compared. */
export function plan(layout: Layout, kind: SoakKind, seed: number): Plan {
  const random = createSeededRandom(seed);
  const outages = kind === 'users' ? planUserOutages(layout, random) : planAppOutages(layout, random);
  const calls = new Map<Time, Set<number>>();
  const call = (time: Time, target: number) => {
    const known = calls.get(time) ?? new Set();
    calls.set(time, known.add(target));
  };
  const end = layout.size.days * DAY;
  for (const { index } of layout.targets) {
    const phase = Math.floor((random.next() * CALL_EVERY) / PHASE) * PHASE;
    for (let time = phase; time < end; time += CALL_EVERY) call(time, index);
  }
  for (const outage of outages) {
    for (const target of outage.targets) {
      for (const retry of RETRIES) call(Math.min(outage.repairTime + retry, end), target);
      call(outage.until, target);
    }
  }
  const inOrder = [...calls].toSorted(([one], [other]) => one - other);
  return { outages, calls: new Map(inOrder.map(([time, targets]) => [time, [...targets]])) };
}
