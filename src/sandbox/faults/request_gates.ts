import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { graphOperation } from './injected_faults.ts';

export const gateInput = z.strictObject({
  /** `request`: before any work. `answer` (default): after the work (a refresh token rotated, a secret added). */
  stage: z.enum(['request', 'answer']).optional(),
  /** An operation of Graph; default: any token request. */
  operation: graphOperation.optional(),
});
export type GateInput = z.input<typeof gateInput>;

/** A gate that stops one request until it is released. */
export interface RequestGate {
  id: string;
  stage: 'request' | 'answer';
  operation: string | undefined;
  /** Settles when the request has reached the gate. */
  arrived: Promise<void>;
  hasArrived(): boolean;
  release(): void;
  /** For the request: settles when the gate is released. */
  pass(): Promise<void>;
}

export type RequestGates = ReturnType<typeof createRequestGates>;

export function createRequestGates() {
  const waiting: RequestGate[] = [];
  const byId = new Map<string, RequestGate>();
  return {
    /** A gate for the next request of its kind. */
    next({ stage = 'answer', operation }: GateInput = {}): RequestGate {
      const arrival = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      let hasArrived = false;
      const gate: RequestGate = {
        id: randomUUID(),
        stage,
        operation,
        arrived: arrival.promise,
        hasArrived: () => hasArrived,
        release: () => release.resolve(),
        pass() {
          hasArrived = true;
          arrival.resolve();
          return release.promise;
        },
      };
      byId.set(gate.id, gate);
      waiting.push(gate);
      return gate;
    },
    find: (id: string): RequestGate | undefined => byId.get(id),
    /** The gate that waits for this request. */
    take({ endpoint, operation }: { endpoint: string; operation?: string | undefined }): RequestGate | undefined {
      const at = waiting.findIndex((gate) =>
        gate.operation === undefined ? endpoint === 'token' : gate.operation === operation,
      );
      return at < 0 ? undefined : waiting.splice(at, 1)[0];
    },
    releaseAll(): void {
      for (const gate of byId.values()) gate.release();
    },
  };
}
