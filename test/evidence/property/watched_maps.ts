/** A map of the vault with a stated cap, as the test watches it. */
interface Watched {
  readonly cap: number;
  size(): number;
}

/** Which caps the maps that are made get, and whether they keep them. */
export interface WatchedMaps {
  /** Undefined: those of the vault. */
  limit: number | undefined;
  /** The cap that a new map gets. */
  capOf(cap: number): number;
  add(watched: Watched): void;
  /** The maps that hold more than they may. */
  check(): void;
  /** Those that were full at some time. */
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
        if (one.size() === one.cap) full.add(one);
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
