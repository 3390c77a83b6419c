/** A map with a cap: a new entry beyond it removes the one that was set or touched longest ago, in O(1). */
export interface BoundedMap<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): boolean;
  readonly size: number;
}

export function createBoundedMap<Value>(cap: number): BoundedMap<Value> {
  const entries = new Map<string, Value>();

  function put(key: string, value: Value): void {
    entries.delete(key);
    entries.set(key, value);
  }

  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) put(key, value);
      return value;
    },
    set(key, value) {
      put(key, value);
      if (entries.size <= cap) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    delete: (key) => entries.delete(key),
    get size() {
      return entries.size;
    },
  };
}
