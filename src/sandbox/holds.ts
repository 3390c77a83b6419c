import { randomUUID } from 'node:crypto';

/**
 * A gate for one token request. At stage `request` nothing has been done when it arrives; at stage `answer` (the default)
 * everything has (a refresh token has rotated), and only the answer is held.
 */
export interface Hold {
  id: string;
  stage: 'request' | 'answer';
  /** Settles when the request stands at the gate. */
  arrived: Promise<void>;
  hasArrived(): boolean;
  release(): void;
}

export interface Holds {
  next(options?: { stage?: Hold['stage'] | undefined }): Hold;
  find(id: string): Hold | undefined;
  /** The gate for the request that comes now, if one waits for it. */
  take(): Gate | undefined;
  releaseAll(): void;
}

export interface Gate {
  stage: Hold['stage'];
  pass(): Promise<void>;
}

export function createHolds(): Holds {
  const waiting: Gate[] = [];
  const known = new Map<string, Hold>();
  return {
    next(options = {}) {
      const arrival = Promise.withResolvers<void>();
      const opening = Promise.withResolvers<void>();
      let isThere = false;
      const hold: Hold = {
        id: randomUUID(),
        stage: options.stage ?? 'answer',
        arrived: arrival.promise,
        hasArrived: () => isThere,
        release: () => opening.resolve(),
      };
      known.set(hold.id, hold);
      waiting.push({
        stage: hold.stage,
        pass() {
          isThere = true;
          arrival.resolve();
          return opening.promise;
        },
      });
      return hold;
    },
    find: (id) => known.get(id),
    take: () => waiting.shift(),
    releaseAll() {
      for (const hold of known.values()) hold.release();
    },
  };
}
