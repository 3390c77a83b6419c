/** A bounded map of the vault that the test observes. */
interface Watched {
  readonly cap: number;
  size(): number;
}

/** Sets the caps of new maps, and checks them. */
export interface WatchedMaps {
  /** Undefined: those of the vault. */
  limit: number | undefined;
  /** The cap that a new map gets. */
  capOf(cap: number): number;
  add(watched: Watched): void;
  /** Maps that exceed their cap. */
  check(): void;
  /** Maps that were full at some time. */
  readonly full: number;
  clear(): void;
}

export function createWatchedMaps(): WatchedMaps {
  const maps = new Set<Watched>();
  const full = new Set<Watched>();
  return {
    limit: undefined,
    capOf(cap) {
      return Math.min(cap, this.limit ?? cap);
    },
    add: (watched) => void maps.add(watched),
    check() {
      for (const one of maps) {
        if (one.size() > one.cap) throw new Error(`a map holds ${one.size()} entries, and may hold ${one.cap}`);
        // Two generations of half the cap never reach it: the next entry evicts the older one.
        if (one.size() >= one.cap - 1) full.add(one);
      }
    },
    get full() {
      return full.size;
    },
    clear() {
      maps.clear();
    },
  };
}
