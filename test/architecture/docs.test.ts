import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf } from './reference/markdown.ts';

const LONGEST = 120;

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'docs/README.md',
  'docs/commands.md',
  'docs/configuration.md',
  'docs/deployment.md',
  'docs/production.md',
  'docs/scaling.md',
  'docs/clients.md',
  'clients/typescript/README.md',
  'clients/python/README.md',
  'clients/go/README.md',
  'docs/caller-tokens.md',
  'docs/errors.md',
  'docs/key-rotation.md',
  'docs/log-events.md',
  'docs/metrics.md',
  'docs/runbook.md',
  'docs/events.md',
  'docs/formats.md',
  'docs/importing.md',
  'docs/releasing.md',
  'docs/slo.md',
])('%s wraps at 120 characters outside commands', (path) => {
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(proseOf(lines).filter((line) => line.length > LONGEST)).toEqual([]);
});

test('README has at most 200 lines', () => {
  expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
});

test('each link to a file leads to one', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'clients/*/README.md']);
  const lost = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, link = '']) => join(dirname(page), link))
      .filter((path) => !existsSync(path))
      .map((path) => `${page}: ${path}`),
  );
  expect(pages.length).toBeGreaterThan(20);
  expect(lost).toEqual([]);
});

test('each link to a section leads to one', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'clients/*/README.md']);
  const lost = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)]
      .filter(([, link = '', anchor = '']) => {
        const path = link === '' ? page : join(dirname(page), link);
        return path.endsWith('.md') && existsSync(path) && !anchorsOf(readFileSync(path, 'utf8')).has(anchor);
      })
      .map(([link]) => `${page}: ${link}`),
  );
  expect(lost).toEqual([]);
});

/** Without commands and examples: indented by four, or between fences. */
function proseOf(lines: readonly string[]): string[] {
  let isFenced = false;
  return lines.filter((line) => {
    if (/^\s*```/.test(line)) isFenced = !isFenced;
    return !isFenced && !/^\s{4}/.test(line);
  });
}
