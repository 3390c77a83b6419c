import { expect, test } from 'vitest';
import { createTable, factLines, tableLines } from '../../src/cli/format_table.ts';

const HEAD = ['STATE', 'REASON', 'NAME'];
const NAME = `tenants/acme/connections/${'a'.repeat(30)}`;

test('a table is as wide as its cells if no width is given', () => {
  expect(tableLines(HEAD, [['ACTIVE', 'a long reason, longer than all', NAME]])).toEqual([
    'STATE   REASON                          NAME',
    `ACTIVE  a long reason, longer than all  ${NAME}`,
  ]);
});

test('the widest column but the last is shortened to fit', () => {
  const lines = tableLines(HEAD, [['ACTIVE', 'a long reason, longer than all', NAME]], 80);
  expect(lines[1]).toBe(`ACTIVE  a long reason,…  ${NAME}`);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
});

test('a name is never shortened, and a column keeps ten characters', () => {
  const [, line] = tableLines(HEAD, [['ACTIVE', 'a long reason', NAME.repeat(2)]], 40);
  expect(line).toBe(`ACTIVE  a long re…  ${NAME.repeat(2)}`);
});

test('later rows have no head, and columns do not shrink', () => {
  const table = createTable(HEAD);
  table([['SUSPENDED', 'x', 'a']]);
  expect(table([['OK', 'y', 'b']])).toEqual(['OK         y       b']);
});

test('facts are aligned, and empty ones left out', () => {
  expect(
    factLines([
      ['Tenant', 'acme'],
      ['Labels', ''],
      ['UID', '1'],
    ]),
  ).toEqual(['Tenant  acme', 'UID     1']);
});
