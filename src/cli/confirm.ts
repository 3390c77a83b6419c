import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { CommandStreams } from './command_streams.ts';
import { printable } from './error_text.ts';
import { CommandError, EXIT } from './exit_codes.ts';

export interface Confirmation {
  /** A sentence about what is lost. */
  readonly action: string;
  /** What the person types. */
  readonly id: string;
}

/** Asks on a terminal, unless `yes` is set. Throws unless it is confirmed. */
export async function confirm(
  { action, id }: Confirmation,
  { yes }: { readonly yes?: true },
  { stdin, stderr }: Pick<CommandStreams, 'stdin' | 'stderr'>,
): Promise<void> {
  if (yes) return;
  if (stdin.isTTY !== true)
    throw new CommandError(EXIT.USAGE, `${printable(action)} Nothing was done. Add --yes if you want it.`);
  const lines = createInterface({ input: stdin, output: stderr });
  lines.setPrompt(`${printable(action)}\nType ${id} to confirm: `);
  lines.prompt();
  const [answer] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  lines.close();
  if (answer === undefined) stderr.write('\n');
  if (answer !== id) throw new CommandError(EXIT.INTERRUPTED, 'Not confirmed. Nothing was done.');
}
