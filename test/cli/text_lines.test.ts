import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TextLine, textLines } from '../../src/cli/import/read_text_lines.ts';

async function linesOf(chunks: readonly (string | Uint8Array)[], longest?: number): Promise<TextLine[]> {
  async function* stream() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  return Array.fromAsync(textLines(stream(), longest));
}

test('the chunks of a stream do not change its lines and their numbers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\r\n\uFEFF]/.test(text))),
      fc.array(fc.nat(40), { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      async (texts, cuts, lineBreak, endsOpen) => {
        const bytes = Buffer.from(texts.join(lineBreak) + (endsOpen ? '' : lineBreak));
        const places = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other),
          bytes.length,
        ];
        const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end));

        const lines = await linesOf(chunks);

        const expected = texts.flatMap((text, at) => (text.trim() === '' ? [] : [{ number: at + 1, text }]));
        expect(lines.map((line) => ({ number: line.number, text: 'text' in line ? line.text : undefined }))).toEqual(
          expected,
        );
        if (lines.length > 0) expect(lines.at(-1)?.end).toBeLessThanOrEqual(bytes.length);
      },
    ),
  );
});

test('a line that is too long is reported by its number, and the next one is read', async () => {
  const lines = await linesOf(['ab', 'cd'.repeat(40), '\nefgh\nij'], 4);

  expect(lines).toEqual([
    { number: 1, end: 83, flaw: 'TOO_LONG' },
    { number: 2, end: 88, text: 'efgh' },
    { number: 3, end: 90, text: 'ij' },
  ]);
});

test('a gigabyte without a line feed takes no more memory than a line', async () => {
  const chunk = Buffer.alloc(2 ** 20, 'x');
  async function* endless() {
    for (let sent = 0; sent < 1_024; sent += 1) yield chunk;
    yield Buffer.from('\nlast');
  }
  const before = process.memoryUsage().rss;

  const lines = await Array.fromAsync(textLines(endless()));

  expect(lines.map((line) => ('text' in line ? line.text : line.flaw))).toEqual(['TOO_LONG', 'last']);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
});

test('invalid UTF-8 is reported by its line; a byte order mark is not part of the first line', async () => {
  const lines = await linesOf(['\uFEFF{}\n', Buffer.from([0x7b, 0xff, 0x7d, 0x0a]), '{}']);

  expect(lines).toMatchObject([{ text: '{}' }, { number: 2, flaw: 'NOT_UTF8' }, { number: 3, text: '{}' }]);
});

test('a byte order mark before any line is ignored, as in concatenated files', async () => {
  const lines = await linesOf(['{}\n\uFEFF{"a":1}\r\n\uFEFF{}']);

  expect(lines.map((line) => 'text' in line && line.text)).toEqual(['{}', '{"a":1}', '{}']);
});

test.each([
  ['little-endian with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['little-endian without one', (text: string) => Buffer.from(text, 'utf16le')],
  ['big-endian with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ['big-endian without one', (text: string) => Buffer.from(text, 'utf16le').swap16()],
])('UTF-16, %s, is reported once', async (_, encode) => {
  const bytes = encode('{"connection":"ada"}\n{"connection":"bob"}\n'.repeat(20));

  const lines = await linesOf([bytes.subarray(0, 1), bytes.subarray(1)]);

  expect(lines).toMatchObject([{ number: 1, flaw: 'UTF16' }]);
});
