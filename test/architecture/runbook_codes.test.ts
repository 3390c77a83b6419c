import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reasonsOfTable, withCodes } from './runbook_codes.ts';

const runbook = readFileSync('docs/runbook.md', 'utf8');

test('the codes in the runbook are those of the table: if not, run `npm run generate:runbook`', () => {
  expect(runbook).toBe(withCodes(runbook));
});

test('each reason that a code of Entra leads to has its codes in the runbook', () => {
  const shown = new Set([...runbook.matchAll(/<!-- codes (\w+) -->/g)].map(([, reason]) => reason));
  expect(shown).toEqual(reasonsOfTable());
});
