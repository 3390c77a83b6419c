/**
 * A bounded map of two generations that evicts entries of the old one that were not used again: a lookup of a young entry
 * costs one `Map.get` and no bookkeeping. It evicts nothing while it holds at most `limit` entries, then a 64th of the
 * limit at once; memory grows with the entries (`docs/adr/0043-a-bounded-cache-keeps-its-limit.md`).
 */
export type BoundedCache<Key, Value> = ReturnType<typeof createBoundedCache<Key, Value>>;

/** `onEvicted` is not called for entries that are deleted, replaced or cleared. */
export function createBoundedCache<Key, Value>(limit: number, onEvicted?: (key: Key, value: Value) => void) {
  const evictedAtOnce = Math.max(1, Math.floor(limit / 64));
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();

  /** Several at once: each iterator walks over the places of the entries that were deleted before. */
  function evict(): void {
    if (old.size === 0) {
      old = young;
      young = new Map();
    }
    let left = evictedAtOnce;
    for (const [key, value] of old) {
      old.delete(key);
      onEvicted?.(key, value);
      left -= 1;
      if (left === 0) return;
    }
  }

  return {
    get(key: Key): Value | undefined {
      const value = young.get(key);
      if (value !== undefined || old.size === 0) return value;
      const aged = old.get(key);
      if (aged === undefined) return undefined;
      old.delete(key);
      young.set(key, aged);
      return aged;
    },
    set(key: Key, value: Value): void {
      // Deleted first, so that it is evicted as the latest.
      young.delete(key);
      old.delete(key);
      young.set(key, value);
      if (young.size + old.size > limit) evict();
    },
    delete(key: Key): void {
      young.delete(key);
      old.delete(key);
    },
    clear(): void {
      young = new Map();
      old = new Map();
    },
    /** Entries may be deleted during the iteration. */
    *values(): Iterable<Value> {
      yield* young.values();
      yield* old.values();
    },
    get size(): number {
      return young.size + old.size;
    },
  };
}
