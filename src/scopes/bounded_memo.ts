import { createBoundedCache } from '../model/bounded_cache.ts';

/** Keys contain input of callers, so both their number and their length are limited. */
const LONGEST_KEY = 1_000;

export type Memo<Value> = (key: string, make: () => Value) => Value;

/** Caches the last `most` results; evicts the least recently used ones. Errors are not cached. */
export function createMemo<Value extends object>(most: number): Memo<Value> {
  const results = createBoundedCache<string, Value>(most);
  return (key, make) => {
    const cached = results.get(key);
    if (cached !== undefined) return cached;
    const made = make();
    if (key.length > LONGEST_KEY) return made;
    results.set(key, made);
    return made;
  };
}
