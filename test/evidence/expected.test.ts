import { describe, expect, test } from 'vitest';
import { actorsOf, PARTS, runbookParts } from './actors.ts';
import { type AnswerRow, nameOf, readAnswerRows } from './answer_rows.ts';
import { classesOf, classOf, withClass } from './changed_rows.ts';
import { expectedOf, REASONS } from './expected.ts';
import { expectedInDirectory } from './expected_in_directory.ts';

const rows = readAnswerRows();

test('the table has 196 rows', () => expect(rows).toHaveLength(196));

describe('the actor', () => {
  test.each(Object.entries(REASONS))('%s has its section in the runbook', (reason, { actor }) => {
    expect(runbookParts().get(reason)).toBe(PARTS[actor]);
  });

  test.each(rows.map((row) => ({ name: nameOf(row), row })))('$name: one of the actors in the row', ({ row }) => {
    expect(actorsOf(row)).toContain(REASONS[expectedOf(row).second]?.actor);
  });
});

test('another kind or subject of a row changes the expectation', () => {
  const looks = (row: AnswerRow) => JSON.stringify([expectedOf(row), expectedInDirectory(row)]);
  const alike = rows.flatMap((row) =>
    classesOf(rows)
      .filter((other) => classOf(other) !== classOf(row) && looks(withClass(row, other)) === looks(row))
      .map((other) => `${nameOf(row)}: ${classOf(row)} and ${classOf(other)}`),
  );
  expect(alike).toEqual([]);
});
