import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fieldInvalid } from '../model/errors.ts';

/** A file as it was at one reading. */
export interface FileVersion {
  readonly text: string;
  /** Of the content, hex. */
  readonly sha256: string;
  /** Inode, size, time of the last change, and permissions. */
  readonly stamp: string;
}

const LARGEST = 8 * 2 ** 20;

/**
 * `what`: `callers file`. Undefined: it changed meanwhile. FIELD_INVALID if it cannot be read, or if others than its
 * owner may write it.
 */
export async function readFileVersion(path: string, what: string): Promise<FileVersion | undefined> {
  // One descriptor, because the name may refer to another file a moment later. Opening a pipe must not wait.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
    throw fieldInvalid(path, `Cannot read the ${what}. Check that it exists and its permissions.`);
  });
  try {
    const before = await statOf(handle);
    if (!before.isFile || before.size > LARGEST)
      throw fieldInvalid(path, `The ${what} must be a regular file of at most 8 MiB.`);
    if ((before.mode & 0o022) !== 0)
      throw fieldInvalid(path, `Others may write the ${what} (mode ${modeText(before.mode)}). Run: chmod go-w ${path}`);
    const content = await handle.readFile();
    const after = await statOf(handle);
    if (before.stamp !== after.stamp || content.length !== after.size) return undefined;
    return { text: content.toString('utf8'), sha256: hash('sha256', content, 'hex'), stamp: after.stamp };
  } finally {
    await handle.close();
  }
}

async function statOf(handle: FileHandle) {
  const stat = await handle.stat({ bigint: true });
  const { ino, size, mtimeNs, mode } = stat;
  const stamp = `${ino} ${size} ${mtimeNs} ${mode}`;
  return { isFile: stat.isFile(), size: Number(size), mode: Number(mode), stamp };
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
