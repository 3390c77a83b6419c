import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** By username. */
export type Counts = ReadonlyMap<string, number>;

/** How many requests of each user Entra answered with an injected error since the last reading. */
export function createMeter(sandbox: Pick<Sandbox, 'requests' | 'clearRequests'>): { read(): Counts } {
  sandbox.clearRequests();
  return {
    read() {
      const counts = new Map<string, number>();
      for (const { username = '', outcome } of sandbox.requests()) {
        if (outcome === 'fault:error') counts.set(username, (counts.get(username) ?? 0) + 1);
      }
      sandbox.clearRequests();
      return counts;
    },
  };
}
