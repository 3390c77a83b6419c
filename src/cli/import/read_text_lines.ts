/** One line of a file; `end`: the number of bytes up to its end. */
export type TextLine = { readonly number: number; readonly end: number } & (
  | { readonly text: string }
  | { readonly flaw: 'TOO_LONG' | 'NOT_UTF8' | 'UTF16' }
);

/** Bytes. A line becomes one message, and the vault accepts at most 64 KiB. */
export const MAX_LINE = 60 * 1_024;

const LINE_FEED = 0x0a;

/**
 * The lines of a stream, counted from 1. Blank lines are counted and skipped; a stream in UTF-16 is one flaw. Keeps at most one
 * line in memory, and none that is longer than `longest` bytes.
 */
export async function* textLines(
  input: AsyncIterable<Uint8Array>,
  longest: number = MAX_LINE,
): AsyncGenerator<TextLine> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let number = 0;
  let end = 0;
  let isFirst = true;

  function keep(part: Uint8Array): void {
    size += part.length;
    if (size > longest + MAX_FRAMING) parts = [];
    else parts.push(part);
  }

  function take(): TextLine | undefined {
    number += 1;
    const line = size > longest + MAX_FRAMING ? undefined : Buffer.concat(parts);
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
      if (line !== undefined && 'flaw' in line && line.flaw === 'UTF16') return;
    }
    keep(chunk.subarray(start));
    end += chunk.length - start;
  }
  if (size === 0) return;
  const last = take();
  if (last !== undefined) yield last;
}

/** Bytes of a byte order mark and a carriage return, which do not count as part of a line. */
const MAX_FRAMING = 4;

function lineOf(bytes: Buffer, longest: number, number: number, end: number): TextLine | undefined {
  let text: string;
  try {
    // The decoder drops a byte order mark, which each of several concatenated files may have (RFC 8259, 8.1).
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { number, end, flaw: 'NOT_UTF8' };
  }
  const bare = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (bare.trim() === '') return undefined;
  return Buffer.byteLength(bare) > longest ? { number, end, flaw: 'TOO_LONG' } : { number, end, text: bare };
}

/**
 * Whether a file is in UTF-16, as PowerShell's `>` and Notepad's "Unicode" write it: by its byte order mark, or by a zero byte in
 * its first character, which is always ASCII in these files.
 */
export function isUtf16(start: Uint8Array): boolean {
  const [first, second] = start;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0;
}

export const SAVE_AS_UTF8 =
  'Save the file as UTF-8 (in PowerShell: Get-Content FILE | Set-Content -Encoding utf8 NEW), then run the import again.';
