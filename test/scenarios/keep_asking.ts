import { reasonOf, type Scenario } from './start_scenario.ts';

export interface Asking {
  /** Settles after so many more rounds. */
  rounds(count: number): Promise<void>;
  /** What each call came to, `OK` or a reason, oldest first. */
  stop(): Promise<readonly string[]>;
}

/** Products that never stop asking: every round is two hours after the one before, so that no token of before is left and Entra must be asked. */
export function keepAsking(
  scenario: Scenario,
  wishes: readonly { readonly connection: string; readonly scopes: readonly string[] }[],
): Asking {
  const outcomes: string[] = [];
  let round = 0;
  let stopped = false;
  let waiting: { until: number; wake: () => void }[] = [];

  const asking = (async () => {
    while (!stopped) {
      await scenario.later(2 * 3_600_000);
      const calls = wishes.map(({ connection, scopes }) =>
        reasonOf(scenario.tokens.getAccessToken({ connection, scopes: [...scopes] })),
      );
      outcomes.push(...(await Promise.all(calls)));
      round += 1;
      for (const { until, wake } of waiting) if (until <= round) wake();
      waiting = waiting.filter(({ until }) => until > round);
    }
  })();

  return {
    rounds(count) {
      const over = new Promise<void>((wake) => waiting.push({ until: round + count, wake }));
      // A loop that broke wakes nobody.
      return Promise.race([over, asking]);
    },
    async stop() {
      stopped = true;
      await asking;
      return outcomes;
    },
  };
}
