import { once } from 'node:events';
import type { OutputStream } from './command_streams.ts';

/** Waits while the reader is slow, so that a long list does not pile up in memory. */
export async function writeLines(stream: OutputStream, lines: readonly string[]): Promise<void> {
  if (lines.length > 0 && !stream.write(`${lines.join('\n')}\n`)) await once(stream, 'drain');
}
