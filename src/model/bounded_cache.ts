/**
 * A bounded map of two generations that evicts the least recently used entries: a lookup of a young entry costs one `Map.get` and no
 * bookkeeping. It holds at most `limit` entries, and at least the `limit / 2` last used; memory grows with the entries
 * (`docs/adr/0029-one-bounded-cache.md`).
 */
export type BoundedCache<Key, Value> = ReturnType<typeof createBoundedCache<Key, Value>>;

export function createBoundedCache<Key, Value>(limit: number) {
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
    get(key: Key): Value | undefined {
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
