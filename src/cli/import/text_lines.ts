import { isUtf16 } from './encoding.ts';

/** One line of a file; `end`: how many bytes were read up to its end. */
export type TextLine = { readonly number: number; readonly end: number } & (
  | { readonly text: string }
  | { readonly flaw: 'TOO_LONG' | 'NOT_UTF8' | 'UTF16' }
);

/** A line becomes one message, and the vault takes none above 64 KiB. Bytes. */
export const LONGEST_LINE = 60 * 1_024;

const LINE_FEED = 0x0a;

/** Lines of a stream, counted from 1. Blank ones are counted and left out; a stream in UTF-16 is one flaw and no more. Holds at most one line, and none that is longer than `longest`. */
export async function* textLines(
  input: AsyncIterable<Uint8Array>,
  longest: number = LONGEST_LINE,
): AsyncGenerator<TextLine> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let number = 0;
  let end = 0;
  let isFirst = true;

  function keep(part: Uint8Array): void {
    size += part.length;
    if (size > longest + MOST_FRAMING) parts = [];
    else parts.push(part);
  }

  function take(): TextLine | undefined {
    number += 1;
    const line = size > longest + MOST_FRAMING ? undefined : Buffer.concat(parts);
    parts = [];
    size = 0;
    if (line === undefined) return { number, end, flaw: 'TOO_LONG' };
    if (isFirst && isUtf16(line)) return { number, end, flaw: 'UTF16' };
    const read = lineOf(line, longest, number, end);
    isFirst &&= read === undefined;
    return read;
  }

  for await (const chunk of input) {
    let start = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, at));
      end += at + 1 - start;
      start = at + 1;
      const line = take();
      if (line !== undefined) yield line;
      if (isUtf16Line(line)) return;
    }
    keep(chunk.subarray(start));
    end += chunk.length - start;
  }
  if (size === 0) return;
  const last = take();
  if (last !== undefined) yield last;
}

function isUtf16Line(line: TextLine | undefined): boolean {
  return line !== undefined && 'flaw' in line && line.flaw === 'UTF16';
}

/** A byte order mark before the line and a carriage return after it are not counted as its own. */
const MOST_FRAMING = 4;

function lineOf(bytes: Buffer, longest: number, number: number, end: number): TextLine | undefined {
  let text: string;
  try {
    // A decoder drops a byte order mark: one stands at the start of each file that was appended to another (RFC 8259, 8.1).
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { number, end, flaw: 'NOT_UTF8' };
  }
  const bare = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (bare.trim() === '') return undefined;
  return Buffer.byteLength(bare) > longest ? { number, end, flaw: 'TOO_LONG' } : { number, end, text: bare };
}
