import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { withRegularFile } from '../files/regular_file.ts';
import { fieldInvalid, isVaultError } from '../model/errors.ts';

/** A file as it was at one reading. */
export interface FileVersion {
  readonly text: string;
  /** Of the content, hex. */
  readonly sha256: string;
  /** Inode, size, time of the last change, and permissions. */
  readonly stamp: string;
  /** Permissions. */
  readonly mode: number;
}

const LARGEST = 8 * 2 ** 20;

/**
 * `what`: `callers file`. Undefined: it changed meanwhile. FIELD_INVALID if it cannot be read, or, unless `othersMayWrite`,
 * if others than its owner may write it.
 */
export async function readFileVersion(
  path: string,
  what: string,
  { othersMayWrite = false } = {},
): Promise<FileVersion | undefined> {
  const unsuitable = () => fieldInvalid(path, `The ${what} must be a regular file of at most 8 MiB.`);
  try {
    return await withRegularFile(path, { notRegular: unsuitable }, async (handle, { mode, size }) => {
      if (size > LARGEST) throw unsuitable();
      if (!othersMayWrite && (mode & 0o022) !== 0)
        throw fieldInvalid(path, `Others may write the ${what} (mode ${modeText(mode)}). Run: chmod go-w ${path}`);
      return readUnchanged(handle);
    });
  } catch (error) {
    if (isVaultError(error)) throw error;
    throw fieldInvalid(path, `Cannot read the ${what}. Check that it exists and its permissions.`);
  }
}

/** Undefined: it changed meanwhile. */
export async function readUnchanged(handle: FileHandle): Promise<FileVersion | undefined> {
  const before = await statOf(handle);
  const content = await handle.readFile();
  const after = await statOf(handle);
  if (before.stamp !== after.stamp || content.length !== after.size) return undefined;
  const { stamp, mode } = after;
  return { text: content.toString('utf8'), sha256: hash('sha256', content, 'hex'), stamp, mode };
}

async function statOf(handle: FileHandle) {
  const { ino, size, mtimeNs, mode } = await handle.stat({ bigint: true });
  return { size: Number(size), stamp: `${ino} ${size} ${mtimeNs} ${mode}`, mode: Number(mode) };
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
