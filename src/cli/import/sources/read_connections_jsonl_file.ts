import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type ParseError, parse } from 'jsonc-parser';
import { CommandError, EXIT } from '../../exit_codes.ts';
import type { Entry } from '../connection_to_import.ts';
import type { ConnectionsFileDefaults } from '../parse_connection_json.ts';
import { MAX_LINE, SAVE_AS_UTF8, type TextLine, textLines } from '../read_text_lines.ts';
import { type Read, type RejectedEntry, rejectedEntry } from '../rejected_entry.ts';

/** Makes an entry of a line's JSON. */
export type ReadEntry = (value: unknown, line: number, defaults: ConnectionsFileDefaults) => Read<Entry>;

/** A file of connections, one JSON object a line. */
export type ConnectionsFile = Awaited<ReturnType<typeof openConnectionsFile>>;

/** `path`: `-` is standard input. */
export async function openConnectionsFile(
  path: string,
  read: ReadEntry,
  defaults: Omit<ConnectionsFileDefaults, 'app'>,
) {
  const { input, size } = await openInput(path);
  let end = 0;
  let closed = false;
  return {
    /** Bytes; undefined for a stream. */
    size,
    /** Bytes that were read. */
    get read() {
      return end;
    },
    /** `app`: default for lines without an app; undefined: the vault's default. */
    async *entries(app: string | undefined): AsyncGenerator<Read<Entry>> {
      const lines = textLines(input);
      for (let isFirst = true; ; isFirst = false) {
        const next = await lines.next().catch(() => {
          if (closed) return { done: true } as const;
          throw new CommandError(EXIT.NO_INPUT, `Reading ${path} failed before its end. Run the import again.`);
        });
        if (next.done === true) return;
        const line = next.value;
        end = line.end;
        const json = 'flaw' in line ? FLAWS[line.flaw](line.number) : parseLine(line, isFirst);
        yield 'rejected' in json ? json : read(json.value, line.number, { ...defaults, app });
        if ('isWholeFile' in json) return;
      }
    },
    /** Ends the entries, also during a pending read. */
    close(): void {
      closed = true;
      input.destroy();
    },
  };
}

type Json =
  | { readonly value: unknown }
  | {
      readonly rejected: RejectedEntry /** The other lines would have the same problem. */;
      readonly isWholeFile?: true;
    };

function parseLine({ number, text }: Extract<TextLine, { text: string }>, isFirst: boolean): Json {
  const json = parseJson(text);
  if ('value' in json) return json;
  const start = text.trim();
  const isArray = start.startsWith('[');
  if (!isFirst || !(isArray || start === '{'))
    return { rejected: refused(number, 'NOT_JSON', `not valid JSON (at column ${json.column})`) };
  const why = `the file holds a JSON ${isArray ? 'array' : 'object'} over several lines instead of one object a line`;
  const command = isArray ? "jq -c '.[]'" : 'jq -c .';
  const nextStep = `Write each object on its own line (${command} FILE > NEW), then import that file.`;
  return { rejected: { ...refused(number, 'NOT_JSON', why), nextStep }, isWholeFile: true };
}

/** The value, or the column (from 1) of the first error. The engine's own message would quote the line with its refresh token. */
export function parseJson(text: string): { readonly value: unknown } | { readonly column: number } {
  try {
    return { value: JSON.parse(text) };
  } catch {
    const errors: ParseError[] = [];
    parse(text, errors, { disallowComments: true });
    return { column: (errors[0]?.offset ?? text.length) + 1 };
  }
}

const UTF16 = 'the file is in UTF-16, so none of its lines was read';
const FLAWS = {
  TOO_LONG: (line: number): Json => ({
    rejected: refused(line, 'LINE_TOO_LONG', `longer than ${MAX_LINE / 1_024} KiB`),
  }),
  NOT_UTF8: (line: number): Json => ({ rejected: refused(line, 'NOT_UTF8', 'not UTF-8') }),
  UTF16: (line: number): Json => ({ rejected: { ...refused(line, 'NOT_UTF8', UTF16), nextStep: SAVE_AS_UTF8 } }),
};

function refused(line: number, reason: 'LINE_TOO_LONG' | 'NOT_UTF8' | 'NOT_JSON', why: string): RejectedEntry {
  return rejectedEntry({ line, what: 'line', reason, why });
}

async function openInput(path: string): Promise<{ input: Readable; size: number | undefined }> {
  if (path === '-') return { input: process.stdin, size: undefined };
  try {
    const handle = await open(path, 'r');
    const found = await handle.stat();
    if (found.isDirectory()) throw new Error('a folder');
    const input = handle.createReadStream({ highWaterMark: 256 * 1_024 });
    return { input, size: found.isFile() ? found.size : undefined };
  } catch {
    throw new CommandError(EXIT.NO_INPUT, `${path} cannot be read. Check that it is a file and its permissions.`);
  }
}
