import { randomUUID } from 'node:crypto';

/**
 * A gate for one request to the token endpoint, or for one of an operation of Graph's. At stage `request` nothing has been
 * done when it arrives; at stage `answer` (the default) everything has (a refresh token has rotated, a secret was made), and
 * only the answer is held.
 */
export interface RequestGate {
  id: string;
  stage: 'request' | 'answer';
  /** Settles when the request stands at the gate. */
  arrived: Promise<void>;
  hasArrived(): boolean;
  release(): void;
}

export interface RequestGates {
  next(options?: HoldInput): RequestGate;
  find(id: string): RequestGate | undefined;
  /** The gate for the request that comes now, if one waits for it. */
  take(request: { endpoint: string; operation?: string | undefined }): Gate | undefined;
  releaseAll(): void;
}

export interface HoldInput {
  stage?: RequestGate['stage'] | undefined;
  /** At Graph: `getApplication`, `listApplications`, `addPassword` or `removePassword`; default: any token request. */
  operation?: string | undefined;
}

export interface Gate {
  stage: RequestGate['stage'];
  pass(): Promise<void>;
}

export function createRequestGates(): RequestGates {
  const waiting: (Gate & Pick<HoldInput, 'operation'>)[] = [];
  const known = new Map<string, RequestGate>();
  return {
    next(options = {}) {
      const arrival = Promise.withResolvers<void>();
      const opening = Promise.withResolvers<void>();
      let isThere = false;
      const hold: RequestGate = {
        id: randomUUID(),
        stage: options.stage ?? 'answer',
        arrived: arrival.promise,
        hasArrived: () => isThere,
        release: () => opening.resolve(),
      };
      known.set(hold.id, hold);
      waiting.push({
        stage: hold.stage,
        operation: options.operation,
        pass() {
          isThere = true;
          arrival.resolve();
          return opening.promise;
        },
      });
      return hold;
    },
    find: (id) => known.get(id),
    take({ endpoint, operation }) {
      const at = waiting.findIndex((gate) =>
        gate.operation === undefined ? endpoint === 'token' : gate.operation === operation,
      );
      return at < 0 ? undefined : waiting.splice(at, 1)[0];
    },
    releaseAll() {
      for (const hold of known.values()) hold.release();
    },
  };
}
