import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROW = /^\| (?<attack>.+) \| `(?<file>(?:clients\/\w+\/)?test\/[\w/.]+\.ts)`: (?<name>.+) \|$/;

const page = readFileSync('docs/security-tests.md', 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && line !== '| attack | test |');

test('each attack in docs/security-tests.md has a test', () => {
  expect(rows.filter((row) => !ROW.test(row))).toEqual([]);
  expect(rows.length).toBeGreaterThan(50);
});

test('each test in docs/security-tests.md exists', () => {
  const missing = rows.filter((row) => {
    const { file = '', name = '' } = ROW.exec(row)?.groups ?? {};
    return !existsSync(file) || !isNamed(readFileSync(file, 'utf8'), name);
  });
  expect(missing).toEqual([]);
});

test('each test in docs/security-tests.md runs in npm test', () => {
  const shared = /^test\/conformance\/\w+_conformance\.ts$/;
  const files = new Set(rows.map((row) => ROW.exec(row)?.groups?.['file'] ?? ''));
  expect([...files].filter((file) => !file.endsWith('.test.ts') && !shared.test(file))).toEqual([]);
});

/** As the title of a test or of a group of tests. `title [row]` is a row of a table of tests. */
function isNamed(source: string, name: string): boolean {
  const [, title = name, row] = /^(.*?)(?: \[(.+)\])?$/.exec(name) ?? [];
  const isTitle = [`'`, '"', '`'].some((quote) => source.includes(`(${quote}${title}${quote},`));
  return isTitle && (row === undefined || source.includes(`['${row}',`) || source.includes(`\n      '${row}',`));
}
