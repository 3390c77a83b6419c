import type { OutputStream } from './command_streams.ts';
import { EXIT } from './exit_codes.ts';

/** Ends the command when its output cannot be written; with 0 if the reader, such as `head`, has enough. */
export function stopWithReader(output: OutputStream): void {
  if (output.listeners('error').includes(stop)) return;
  output.on('error', stop);
}

function stop({ code }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') process.exit(EXIT.OK);
  console.error(`Cannot write to standard output (${code}). Check the disk.`);
  process.exit(EXIT.CANNOT_CREATE);
}
