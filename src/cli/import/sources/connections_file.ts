import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandError, EXIT } from '../../exit_codes.ts';
import type { ConnectionsFileDefaults } from '../connections_format.ts';
import { SAVE_AS_UTF8 } from '../encoding.ts';
import type { Entry } from '../entry.ts';
import { jsonLine } from '../json_line.ts';
import type { Read, RejectedEntry } from '../rejected_entry.ts';
import { LONGEST_LINE, type TextLine, textLines } from '../text_lines.ts';

/** A file of connections, a JSON object a line; `-` is standard input. */
export interface ConnectionsFile {
  /** Bytes; undefined: a stream whose end nobody knows. */
  readonly size: number | undefined;
  /** Bytes until now. */
  readonly read: number;
  /** `app`: where those go that name none; undefined: as the vault chooses. */
  entries(app: string | undefined): AsyncGenerator<Read<Entry>>;
  /** Nothing more is read, also where a read is waiting: the entries end. */
  close(): void;
}

/** Makes an entry of what a line holds. */
export type ReadEntry = (value: unknown, line: number, defaults: ConnectionsFileDefaults) => Read<Entry>;

export async function openConnectionsFile(
  path: string,
  read: ReadEntry,
  defaults: Omit<ConnectionsFileDefaults, 'app'>,
): Promise<ConnectionsFile> {
  const { input, size } = await openInput(path);
  let end = 0;
  let closed = false;
  return {
    size,
    get read() {
      return end;
    },
    async *entries(app) {
      const lines = textLines(input);
      for (let isFirst = true; ; isFirst = false) {
        const next = await lines.next().catch(() => {
          if (closed) return { done: true } as const;
          throw new CommandError(EXIT.NO_INPUT, `${path} cannot be read to its end`);
        });
        if (next.done === true) return;
        end = next.value.end;
        const spread = isFirst ? spreadJson(next.value) : undefined;
        if (spread !== undefined) {
          yield { leftOut: spread };
          return;
        }
        yield entryOf(next.value, (value) => read(value, next.value.number, { ...defaults, app }));
      }
    },
    close() {
      closed = true;
      input.destroy();
    },
  };
}

function entryOf(line: TextLine, read: (value: unknown) => Read<Entry>): Read<Entry> {
  if ('flaw' in line) return { leftOut: FLAWS[line.flaw](line.number) };
  const json = jsonLine(line.text);
  if ('column' in json) {
    return { leftOut: refused(line.number, 'NOT_JSON', `not valid JSON (at column ${json.column})`) };
  }
  return read(json.value);
}

/** A document over several lines is refused once: each of its lines would be a riddle of its own. */
function spreadJson(line: TextLine): RejectedEntry | undefined {
  if ('flaw' in line || 'value' in jsonLine(line.text)) return undefined;
  const start = line.text.trim();
  const what = start.startsWith('[') ? ['array', "jq -c '.[]'"] : start === '{' ? ['object', 'jq -c .'] : undefined;
  if (what === undefined) return undefined;
  const [kind, command] = what;
  return {
    ...refused(line.number, 'NOT_JSON', `the file holds a JSON ${kind} over several lines, not one object a line`),
    nextStep: `Put each object on a line of its own (${command} FILE > NEW), then import that file.`,
  };
}

const FLAWS = {
  TOO_LONG: (line: number) => refused(line, 'LINE_TOO_LONG', `longer than ${LONGEST_LINE / 1_024} KiB`),
  NOT_UTF8: (line: number) => refused(line, 'NOT_UTF8', 'not UTF-8'),
  UTF16: (line: number) => ({
    ...refused(line, 'NOT_UTF8', 'the file is in UTF-16, so no line of it was read'),
    nextStep: SAVE_AS_UTF8,
  }),
} as const;

function refused(line: number, reason: RejectedEntry['reason'], why: string): RejectedEntry {
  return {
    outcome: 'REFUSED',
    line,
    what: 'line',
    reason,
    why,
    nextStep: 'Correct the line and run the import again; what is in already is left alone.',
  };
}

async function openInput(path: string): Promise<{ input: Readable; size: number | undefined }> {
  if (path === '-') return { input: process.stdin, size: undefined };
  try {
    const handle = await open(path, 'r');
    const found = await handle.stat();
    if (found.isDirectory()) throw new Error('a folder');
    return {
      input: handle.createReadStream({ highWaterMark: 256 * 1_024 }),
      size: found.isFile() ? found.size : undefined,
    };
  } catch {
    throw new CommandError(EXIT.NO_INPUT, `${path} cannot be read; check that it exists and who may`);
  }
}
