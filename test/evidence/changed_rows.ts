import fc from 'fast-check';
import type { AnswerRow } from './answer_rows.ts';
import { kindOf } from './expected.ts';

/** Kind and subject determine everything else. */
export function classOf(row: AnswerRow): string {
  return `${kindOf(row)} of ${row.subject}`;
}

/** One row of each class. */
export function classesOf(rows: readonly AnswerRow[]): readonly AnswerRow[] {
  return [...new Map(rows.map((row) => [classOf(row), row])).values()];
}

export function withClass(row: AnswerRow, { kind, subject }: AnswerRow): AnswerRow {
  return { ...row, kind, subject };
}

/** Some rows, each with the kind and subject of another class. */
export function changedRows(rows: readonly AnswerRow[], count: number, seed: number): readonly AnswerRow[] {
  const changed = fc
    .shuffledSubarray([...rows], { minLength: count, maxLength: count })
    .chain((chosen) => fc.tuple(...chosen.map((row) => fc.constantFrom(...others(rows, row)))));
  return fc.sample(changed, { seed, numRuns: 1 })[0] ?? [];
}

function others(rows: readonly AnswerRow[], row: AnswerRow): AnswerRow[] {
  const different = classesOf(rows).filter((other) => classOf(other) !== classOf(row));
  return different.map((other) => withClass(row, other));
}
