import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, suggest } from '../../src/scopes/suggest_similar_scope.ts';
import { openScopes } from './open_scopes.ts';

const names = (await openScopes()).catalogs().map((catalog) => catalog.scopes.map((entry) => entry.scope));

type Edit = { kind: 'insert' | 'delete' | 'replace' | 'swap'; at: number; character: string };

function edited(name: string, { kind, at, character }: Edit): string {
  const place = at % name.length;
  switch (kind) {
    case 'insert':
      return name.slice(0, place) + character + name.slice(place);
    case 'delete':
      return name.slice(0, place) + name.slice(place + 1);
    case 'replace':
      return name.slice(0, place) + character + name.slice(place + 1);
    case 'swap':
      return (
        name.slice(0, place) + name.slice(place + 1, place + 2) + name.slice(place, place + 1) + name.slice(place + 2)
      );
  }
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('insert' as const, 'delete' as const, 'replace' as const, 'swap' as const),
  at: fc.nat(200),
  character: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABC.-_0123'),
});

test('a name with one typo is still found', () => {
  const known = fc
    .constantFrom(...names)
    .chain((of) => fc.record({ of: fc.constant(of), name: fc.constantFrom(...of) }));
  fc.assert(
    fc.property(known, edit, ({ of, name }, slip) => {
      expect(suggest(edited(name, slip), of)).toContain(name);
    }),
    { numRuns: 500 },
  );
});

test('counts a swap of neighbours as one edit', () => {
  expect(editDistance('Mail.Raed', 'Mail.Read')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abc', 'abc')).toBe(0);
});

test('suggests nothing for a dissimilar or very long name', () => {
  expect(suggest('Spreadsheets.Print', names[0] ?? [])).toEqual([]);
  expect(suggest('Mail.Read'.repeat(5_000), names[0] ?? [])).toEqual([]);
});
