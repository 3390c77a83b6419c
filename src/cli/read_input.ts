import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Secret } from '../model/secret.ts';
import type { CommandStreams } from './command_streams.ts';
import { CommandError, EXIT } from './exit_codes.ts';
import { isUtf16, SAVE_AS_UTF8 } from './import/read_text_lines.ts';

type Streams = Pick<CommandStreams, 'stdin' | 'stderr'>;

/** A text file in UTF-8; `-` is standard input. */
export async function readText(path: string, { stdin }: Pick<Streams, 'stdin'>): Promise<string> {
  const bytes = path === '-' ? await buffer(stdin) : await readFile(path).catch(() => undefined);
  if (bytes === undefined)
    throw new CommandError(EXIT.NO_INPUT, `${path} cannot be read. Check that it exists and its permissions.`);
  if (isUtf16(bytes)) throw new CommandError(EXIT.DATA, `${path} is in UTF-16. ${SAVE_AS_UTF8}`);
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** One line. A terminal is asked for it, and does not show it. `what`: `client secret`. */
export async function readSecret(path: string, what: string, streams: Streams): Promise<Secret> {
  const isTyped = path === '-' && streams.stdin.isTTY === true;
  return secretOf(isTyped ? await typed(what, streams) : await readText(path, streams), path, what);
}

/** A file or a pipe, because a terminal would show what has several lines. */
export async function readPrivateKey(path: string, streams: Streams): Promise<Secret> {
  if (path === '-' && streams.stdin.isTTY === true)
    throw new CommandError(EXIT.USAGE, 'A private key cannot be typed. Give its file, or a pipe.');
  return secretOf(await readText(path, streams), path, 'private key');
}

function secretOf(content: string, path: string, what: string): Secret {
  const text = content.trim();
  if (text !== '') return new Secret(text);
  const where = path === '-' ? 'Standard input' : path;
  throw new CommandError(EXIT.DATA, `${where} is empty. It must have the ${what}.`);
}

/** One line. Readline sets the terminal to raw mode, in which it shows nothing, and its own output is discarded. */
async function typed(what: string, { stdin, stderr }: Streams): Promise<string> {
  const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: discard, terminal: true, historySize: 0 });
  stderr.write(`The ${what}, which is not shown: `);
  const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  lines.close();
  stderr.write('\n');
  if (line === undefined) throw new CommandError(EXIT.INTERRUPTED, 'Interrupted. Nothing was done.');
  return String(line);
}
