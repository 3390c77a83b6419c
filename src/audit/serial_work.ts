/** Work that must not overlap, in the order in which it came. */
export interface SerialWork {
  /** Work of a kind that still waits is done once for all who want it. `work` never rejects. */
  run(kind: string, work: () => Promise<void>): Promise<void>;
  /** Resolves once nothing is left. */
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
