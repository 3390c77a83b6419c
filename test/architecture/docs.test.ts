import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const LONGEST = 120;

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'docs/README.md',
  'docs/deployment.md',
  'docs/production.md',
  'docs/scaling.md',
  'docs/clients.md',
  'docs/key-rotation.md',
  'docs/runbook.md',
  'docs/events.md',
  'docs/formats.md',
  'docs/importing.md',
])('%s wraps at 120 characters outside commands', (path) => {
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(proseOf(lines).filter((line) => line.length > LONGEST)).toEqual([]);
});

test('README has at most 200 lines', () => {
  expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
});

/** Without commands and examples: indented by four, or between fences. */
function proseOf(lines: readonly string[]): string[] {
  let isFenced = false;
  return lines.filter((line) => {
    if (/^\s*```/.test(line)) isFenced = !isFenced;
    return !isFenced && !/^\s{4}/.test(line);
  });
}
