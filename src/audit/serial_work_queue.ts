/** Runs work one after another, in order. */
export interface SerialWork {
  /** Requests for a kind that still waits share one run. `work` must not reject. */
  run(kind: string, work: () => Promise<void>): Promise<void>;
  /** Resolves when no work is left. */
  idle(): Promise<void>;
}

export function createSerialWork(): SerialWork {
  const waiting = new Map<string, Promise<void>>();
  let last: Promise<void> = Promise.resolve();
  return {
    run(kind, work) {
      const same = waiting.get(kind);
      if (same !== undefined) return same;
      const done = last.then(() => {
        waiting.delete(kind);
        return work();
      });
      waiting.set(kind, done);
      last = done;
      return done;
    },
    async idle() {
      let seen: Promise<void> | undefined;
      while (seen !== last) {
        seen = last;
        await seen;
      }
    },
  };
}
