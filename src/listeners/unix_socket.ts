import { chmodSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * Removes a socket file that a killed process left behind; no other process could listen there. Only a refused connection
 * proves that nobody serves it: a live process with a full queue answers EAGAIN, one of another user EACCES.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true || !(await isRefused(path))) return;
  await unlink(path).catch(() => undefined);
}

/** A process that may open the socket may call: the owner alone, whatever the umask is. */
export function guardSocket(path: string): void {
  chmodSync(path, 0o600);
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
