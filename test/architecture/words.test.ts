import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { findWords, isExempt } from './words.ts';

/** Lines that need one of the words, with the reason. At most ten. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map(
  [
    'CHANGELOG.md: - event `connection.idle_ending` → `connection.idle_expiring`',
    'CHANGELOG.md: - metric `tokenvault_events_told_total` → `tokenvault_events_published_total`',
    'CHANGELOG.md: - alert `TokenVaultConnectionsIdleEnding` → `TokenVaultConnectionsIdleExpiring`',
  ].map((line) => [line, 'the list of renames names what was renamed']),
);

const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .split('\n')
  .filter((path) => /\.(ts|js|py|go|md|proto|json|ya?ml|tsv)$/.test(path) && !isExempt(path));

test('names and prose contain no private words', () => {
  const findings = files.flatMap(findWords).filter(({ at }) => !EXCEPTIONS.has(at.replace(/:\d+:/, ':')));
  expect(findings.map(({ at, word }) => `${word}: ${at}`)).toEqual([]);
});

test('the exceptions are at most ten, each with a reason', () => {
  expect(EXCEPTIONS.size).toBeLessThanOrEqual(10);
  expect([...EXCEPTIONS.values()].every((reason) => reason.length > 10)).toBe(true);
});
