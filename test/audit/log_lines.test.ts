import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { logLines } from '../../src/audit/read_log_lines.ts';

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'lines-'));
  path = join(folder, 'log');
  return () => rmSync(folder, { recursive: true });
});

function linesOf(content: string | Uint8Array): string[] {
  writeFileSync(path, content);
  return [...logLines(path)];
}

const MIB = 2 ** 20;

test.each([
  ['', ['']],
  ['a\n', ['a', '']],
  ['a\n\nb', ['a', '', 'b']],
])('the lines of %j, and the text after the last line feed', (content, lines) => {
  expect(linesOf(content)).toEqual(lines);
});

test('lines can be read again', () => {
  writeFileSync(path, 'a\nb\n');
  const lines = logLines(path);
  expect([...lines]).toEqual([...lines]);
});

test('a line that two reads divide within a letter is one line', () => {
  const first = 'x'.repeat(MIB - 2);
  expect(linesOf(`${first}\né\nlast\n`)).toEqual([first, 'é', 'last', '']);
  const long = `${'x'.repeat(MIB - 100)}`;
  expect(linesOf(`a\n${long}\nb\n${long}`)).toEqual(['a', long, 'b', long]);
});

test('a shorter last read does not repeat lines of the read before', () => {
  const lines = Array.from({ length: 300_000 }, (_, at) => `${at}`);
  expect(linesOf(lines.join('\n'))).toEqual(lines);
  const blank = linesOf(`${'\n'.repeat(MIB)}abc`);
  expect([blank.length, blank.at(-1)]).toEqual([MIB + 1, 'abc']);
});

test('a line of 1 MiB is kept, and of a longer one its beginning, as no line of a log', () => {
  const longest = 'x'.repeat(MIB);
  const cut = `\0${'x'.repeat(100)}`;
  expect(linesOf(`${longest}\nb`)).toEqual([longest, 'b']);
  expect(linesOf(`${longest}x\nb\n${longest}x`)).toEqual([cut, 'b', cut]);
  expect(linesOf(`a\n${longest.repeat(5)}\nb`)).toEqual(['a', cut, 'b']);
});

test('bytes that are not UTF-8 are no line of a log, and stay distinguishable', () => {
  expect(linesOf(Buffer.from([0x61, 0xff, 0x0a, 0x61, 0xfe]))).toEqual(['\0aÿ', '\0aþ']);
});
