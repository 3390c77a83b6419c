import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineIndex } from '../../src/cli/import/duplicate_line_index.ts';

test('finds the first line of each key, as a map does', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 400 }), (keys) => {
      const index = createLineIndex(4);
      const model = new Map<string, number>();

      for (const [at, key] of keys.entries()) {
        expect(index.claim(key, at + 1)).toBe(model.get(key));
        if (!model.has(key)) model.set(key, at + 1);
      }
    }),
  );
});

test('a hundred thousand keys are distinct, and found again', () => {
  const index = createLineIndex();
  for (let line = 1; line <= 100_000; line += 1)
    expect(index.claim(`tenants/acme/connections/user-${line}`, line)).toBeUndefined();

  expect(index.claim('tenants/acme/connections/user-77', 100_001)).toBe(77);
});
