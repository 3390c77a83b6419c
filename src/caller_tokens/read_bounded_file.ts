import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { VaultError } from '../model/errors.ts';

/** KEY_SOURCE_UNAVAILABLE unless it is a regular file of at most `mostBytes`. */
export async function readBoundedFile(path: string, mostBytes: number): Promise<string> {
  // Opening a pipe must not wait.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
    throw unreadable(`Cannot read ${path}. Check that it exists and its permissions.`);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > mostBytes)
      throw unreadable(`${path} must be a regular file of at most ${mostBytes / 1_024} KiB.`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function unreadable(message: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', message);
}
