import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK = 2 ** 20;
/** Longer than any entry. What follows in such a line is not kept. */
const LONGEST_LINE = 2 ** 20;
const LINE_FEED = 0x0a;

/**
 * The lines of a file, and the text after its last line feed, each read from the file again. Keeps one line in memory.
 * Synchronous, as the chain is.
 */
export function logLines(path: string): Iterable<string> {
  return { [Symbol.iterator]: () => readLines(path) };
}

function* readLines(path: string): Generator<string> {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    let parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const size = readSync(fd, buffer, 0, CHUNK, null);
      if (size === 0) break;
      let start = 0;
      for (let at = buffer.indexOf(LINE_FEED); at !== -1 && at < size; at = buffer.indexOf(LINE_FEED, start)) {
        const rest = buffer.subarray(start, at);
        yield textOf(parts.length === 0 ? rest : Buffer.concat([...parts, rest]));
        parts = [];
        length = 0;
        start = at + 1;
      }
      length += size - start;
      if (length <= LONGEST_LINE + CHUNK) parts.push(Buffer.from(buffer.subarray(start, size)));
    }
    yield textOf(Buffer.concat(parts));
  } finally {
    closeSync(fd);
  }
}

/** Bytes that are not UTF-8, and lines that are too long, become a text that no line of a log has. */
function textOf(bytes: Buffer): string {
  if (bytes.length > LONGEST_LINE) return `\0${bytes.toString('latin1', 0, 100)}`;
  return isUtf8(bytes) ? bytes.toString('utf8') : `\0${bytes.toString('latin1')}`;
}
