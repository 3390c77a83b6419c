import { timestampMs } from '@bufbuild/protobuf/wkt';
import { DAY } from '../../../src/model/clock.ts';
import type { RpcError } from '../../../src/rpc/client_rpc_error.ts';
import { failureOf, startScenario } from '../../scenarios/start_scenario.ts';
import { gatherCast } from './cast.ts';
import { createExpectation } from './expectation.ts';
import { createFaultControl } from './fault_control.ts';
import { createFlights } from './flights.ts';
import { type Layout, SCOPES } from './layout.ts';
import type { Time } from './outage.ts';
import type { Plan } from './plan.ts';
import { createSimulatedTimers } from './simulated_timers.ts';
import { createTally, type Tally } from './tally.ts';

/** Executes the plan: a real vault, the sandbox over HTTP, and a clock that jumps from one event to the next. */
export async function simulate(
  layout: Layout,
  plan: Plan,
  { withOutages, onDay }: { withOutages: boolean; onDay: (day: number) => void },
): Promise<Tally> {
  const timers = createSimulatedTimers();
  const flights = createFlights();
  const scenario = await startScenario({
    sandbox: { algorithm: 'ES256', loopGuard: true },
    seams: { timers, decorate: flights.decorate },
  });
  try {
    const { sandbox } = scenario;
    const cast = await gatherCast(scenario, layout);
    const faultControl = createFaultControl(sandbox, cast, layout);
    const outages = withOutages ? plan.outages : [];
    const judge = createExpectation(outages, layout.targets.length);
    const tally = createTally(layout, outages);
    const tokenEnds = layout.targets.map((): Time => 0);
    sandbox.clearRequests();
    const start = sandbox.clock.now();
    const now = (): Time => sandbox.clock.now() - start;

    let day = 0;
    for (const { time, begins, ends, repairs, calls } of stepsOf(plan, withOutages)) {
      if (time >= (day + 1) * DAY) onDay(++day);
      if (time > now()) {
        await flights.landed();
        await scenario.later(time - now());
      }
      timers.run(sandbox.clock.now());
      for (const { fault } of ends) await faultControl.end(fault);
      for (const { fault } of begins) await faultControl.begin(fault);
      await Promise.all(repairs.map(repair));
      await Promise.all(calls.map((target) => call(time, target)));
    }
    await flights.landed();
    return tally.close(sandbox.counters(), now());

    async function repair({ user: index, kind }: { user: number; kind: 'verify' | 'reconnect' }): Promise<void> {
      const user = layout.users[index];
      if (user === undefined) return;
      const name = cast.connectionOf(user);
      const failure = await failureOf(
        kind === 'reconnect' ? cast.connect(user) : scenario.connections.verifyConnection({ name }),
      );
      if (failure !== undefined) tally.wrong(`${kind} of user ${index}: ${failure.reason} ${failure.message}`);
    }

    async function call(time: Time, index: number): Promise<void> {
      const target = layout.targets[index];
      if (target === undefined) return;
      const { user, resource } = target;
      const connection = cast.connectionOf(user);
      const before = tokenEnds[index] ?? 0;
      let failure: RpcError | undefined;
      failure = await failureOf(
        scenario.tokens.getAccessToken({ connection, scopes: [SCOPES[resource]] }).then(({ expireTime }) => {
          if (expireTime !== undefined) tokenEnds[index] = timestampMs(expireTime) - start;
        }),
      );
      const reason = failure?.reason ?? 'OK';
      const judgement = judge({ time, target: index, reason, tokenEnd: before });
      tally.called(target, reason, judgement);
      if (judgement.wrong !== undefined) {
        tally.wrong(
          `user ${user.index}, ${resource}, ${describe(time)}: ${judgement.wrong}; ${failure?.message ?? ''}`,
        );
      }
    }
  } finally {
    await scenario.close();
  }
}

interface Step {
  readonly time: Time;
  readonly begins: Plan['outages'];
  readonly ends: Plan['outages'];
  readonly repairs: readonly NonNullable<Plan['outages'][number]['repair']>[];
  readonly calls: readonly number[];
}

/** What happens at each time, in order. */
function stepsOf({ outages, calls }: Plan, withOutages: boolean): Step[] {
  const byBegin = Map.groupBy(outages, ({ from }) => from);
  const byEnd = Map.groupBy(outages, ({ repairTime }) => repairTime);
  const byRepair = Map.groupBy(
    outages.flatMap(({ repair }) => repair ?? []),
    ({ time }) => time,
  );
  const times = new Set([...byBegin.keys(), ...byEnd.keys(), ...byRepair.keys(), ...calls.keys()]);
  return [...times]
    .toSorted((one, other) => one - other)
    .map((time) => ({
      time,
      begins: withOutages ? (byBegin.get(time) ?? []) : [],
      ends: withOutages ? (byEnd.get(time) ?? []) : [],
      repairs: withOutages ? (byRepair.get(time) ?? []) : [],
      calls: calls.get(time) ?? [],
    }));
}

function describe(time: Time): string {
  const minutes = Math.floor(time / 60_000);
  return `day ${Math.floor(minutes / 1_440)} ${Math.floor((minutes % 1_440) / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}
