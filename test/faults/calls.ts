import { setTimeout as pause } from 'node:timers/promises';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';

/** Callers that repeat a call until they are stopped. */
export interface Callers {
  /** How often each outcome occurred: `OK`, or a reason. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Settles after so many more calls with this outcome. Default: any. */
  more(count: number, outcome?: string): Promise<void>;
  stop(): Promise<Readonly<Record<string, number>>>;
}

/** Each caller calls again 10 ms after the last response. */
export function startCallers(count: number, call: () => Promise<unknown>): Callers {
  const outcomes: Record<string, number> = {};
  let isStopped = false;
  let waiting: { isOver: () => boolean; wake: () => void }[] = [];

  async function repeat(): Promise<void> {
    while (!isStopped) {
      const outcome = await outcomeOf(call());
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const over = waiting.filter(({ isOver }) => isOver());
      waiting = waiting.filter((one) => !over.includes(one));
      for (const { wake } of over) wake();
      await pause(10);
    }
  }
  const calling = Promise.all(Array.from({ length: count }, repeat));
  const total = (outcome?: string) =>
    outcome === undefined ? Object.values(outcomes).reduce((sum, one) => sum + one, 0) : (outcomes[outcome] ?? 0);

  return {
    outcomes,
    async more(calls, outcome) {
      const goal = total(outcome) + calls;
      const over = new Promise<void>((wake) => waiting.push({ isOver: () => total(outcome) >= goal, wake }));
      // A caller that failed otherwise wakes nobody.
      await Promise.race([over, calling]);
    },
    async stop() {
      isStopped = true;
      await calling;
      return outcomes;
    },
  };
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    // A fault of the vault has no other explanation than its message.
    if (error instanceof RpcError) return error.reason === 'INTERNAL' ? `INTERNAL: ${error.message}` : error.reason;
    throw error;
  }
}

/** Retries as docs/clients.md says: UNAVAILABLE and RESOURCE_EXHAUSTED, after the delay of the error, with jitter. */
export async function retried<Result>(call: () => Promise<Result>, attempts = 5): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RpcError) || attempt >= attempts) throw error;
      if (error.code !== 'UNAVAILABLE' && error.code !== 'RESOURCE_EXHAUSTED') throw error;
      await pause((error.retryAfter ?? 100) * (0.5 + Math.random()));
    }
  }
}
