import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBoundedCache } from '../../src/model/bounded_cache.ts';

interface Modelled {
  readonly value: number;
  /** The other keys that were set or found since this one was set. */
  readonly others: Set<number>;
}

const KEY = fc.nat({ max: 300 });
const OPERATION = fc.oneof(
  { weight: 600, arbitrary: fc.record({ do: fc.constant('set' as const), key: KEY }) },
  { weight: 300, arbitrary: fc.record({ do: fc.constant('get' as const), key: KEY }) },
  { weight: 100, arbitrary: fc.record({ do: fc.constant('delete' as const), key: KEY }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), key: KEY }) },
);

test('holds what a map holds, and evicts only beyond its limit, and only what was set long ago', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 200 }),
    fc.array(OPERATION, { maxLength: 1_000, size: 'max' }),
    (limit, operations) => {
      const evictedAtOnce = Math.max(1, Math.floor(limit / 64));
      const cache = createBoundedCache<number, Modelled>(limit);
      const model = new Map<number, Modelled>();

      function use(key: number): void {
        for (const [other, { others }] of model) if (other !== key) others.add(key);
      }

      function set(key: number, value: number): void {
        use(key);
        const modelled = { value, others: new Set<number>() };
        model.set(key, modelled);
        cache.set(key, modelled);
        if (model.size <= limit) return;
        const held = new Set(cache.values());
        const evicted = [...model].filter(([, one]) => !held.has(one));
        expect(evicted.length).toBeGreaterThan(0);
        expect(evicted.length).toBeLessThanOrEqual(evictedAtOnce);
        for (const [evictedKey, { others }] of evicted) {
          expect(others.size).toBeGreaterThanOrEqual(limit - evictedAtOnce);
          model.delete(evictedKey);
        }
      }

      for (const [at, operation] of operations.entries()) {
        const { key } = operation;
        if (operation.do === 'set') set(key, at);
        else if (operation.do === 'get') {
          if (model.has(key)) use(key);
          expect(cache.get(key)).toBe(model.get(key));
        } else if (operation.do === 'delete') {
          cache.delete(key);
          model.delete(key);
        } else {
          cache.clear();
          model.clear();
        }
        expect(cache.size).toBe(model.size);
      }
      expect(new Set(cache.values())).toEqual(new Set(model.values()));
    },
  );
  fc.assert(property, { numRuns: 30 });
});

test('evicts first what was not used again', () => {
  const cache = createBoundedCache<number, number>(4);
  for (const key of [1, 2, 3, 4, 5]) cache.set(key, key);
  expect([...cache.values()]).toEqual([2, 3, 4, 5]);

  cache.get(2);
  cache.set(6, 6);
  expect([...cache.values()]).toEqual([2, 6, 4, 5]);
});

test('a value that is set again counts as the latest', () => {
  const cache = createBoundedCache<string, number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.set('a', 3);
  cache.set('c', 4);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([3, undefined, 4]);
});

test('reports each entry that it evicts, and none that is deleted, replaced or cleared', () => {
  const evicted: [number, string][] = [];
  const cache = createBoundedCache<number, string>(2, (key, value) => evicted.push([key, value]));
  cache.set(1, 'a');
  cache.set(2, 'b');
  cache.set(2, 'c');
  cache.delete(1);
  expect(evicted).toEqual([]);
  cache.set(3, 'd');
  cache.set(4, 'e');
  expect(evicted).toEqual([[2, 'c']]);
  cache.clear();
  expect(evicted).toHaveLength(1);
});
