/**
 * A bounded map of two generations that evicts the least recently used entries: a find of a young entry costs one lookup and no
 * bookkeeping. Holds at most `limit` entries, and at least the `limit / 2` last used.
 */
export function createRecentMap<Key, Value>(limit: number) {
  const half = Math.max(1, Math.floor(limit / 2));
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();

  function put(key: Key, value: Value): void {
    young.set(key, value);
    if (young.size < half) return;
    old = young;
    young = new Map();
  }

  return {
    find(key: Key): Value | undefined {
      const value = young.get(key);
      if (value !== undefined || old.size === 0) return value;
      const aged = old.get(key);
      if (aged === undefined) return undefined;
      old.delete(key);
      put(key, aged);
      return aged;
    },
    set(key: Key, value: Value): void {
      old.delete(key);
      put(key, value);
    },
    delete(key: Key): void {
      young.delete(key);
      old.delete(key);
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
