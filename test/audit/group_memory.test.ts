import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGroupMemory } from '../../src/audit/group_memory.ts';

const KIB = 1_024;

test('what was kept stays until it is released, whatever is encoded meanwhile', () => {
  const text = fc
    .tuple(fc.constantFrom('a', 'é', '€', '😀', ''), fc.integer({ min: 1, max: 40 }))
    .map(([character, length]) => character.repeat(length * KIB));
  const step = fc.record({ text, isKept: fc.boolean(), released: fc.constantFrom(0, 0, 0, 1, 2) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), (steps) => {
      const memory = createGroupMemory();
      const kept: { bytes: Buffer; copy: Buffer; mark: number }[] = [];
      let mark = 0;
      for (const { text, isKept, released } of steps) {
        const bytes = memory.encode(text);
        const copy = Buffer.from(text);
        expect(bytes.equals(copy)).toBe(true);
        expect(memory.extend(bytes, '{"seal":1}').equals(Buffer.concat([copy, Buffer.from('{"seal":1}')]))).toBe(true);
        if (isKept) {
          mark += 1;
          memory.keep(bytes, mark);
          kept.push({ bytes, copy, mark });
        }
        memory.release(kept.splice(0, released).at(-1)?.mark ?? 0);
        for (const one of kept) expect(one.bytes.equals(one.copy)).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('released memory is used again', () => {
  const memory = createGroupMemory();
  const used = new Set<ArrayBufferLike>();
  for (let mark = 1; mark <= 100; mark += 1) {
    const bytes = memory.encode('x'.repeat(60 * KIB));
    used.add(bytes.buffer);
    memory.keep(bytes, mark);
    memory.release(mark - 1);
  }
  expect(used.size).toBeLessThanOrEqual(3);
});

test('the memory of a large group is given up once it is released', () => {
  const memory = createGroupMemory();
  const large = memory.encode('x'.repeat(2 * 1_024 * KIB));
  memory.keep(large, 1);
  memory.release(1);
  expect(memory.encode('x').buffer.byteLength).toBeLessThan(large.buffer.byteLength);
});

test('what was not kept is overwritten', () => {
  const memory = createGroupMemory();
  const failed = memory.encode('failed');
  const next = memory.encode('next');
  expect(next.byteOffset).toBe(failed.byteOffset);
});
