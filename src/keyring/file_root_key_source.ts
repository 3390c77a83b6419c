import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, realpath, rm, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { withRegularFile } from '../files/regular_file.ts';
import { VaultError } from '../model/errors.ts';
import { createKek, KEK_BYTES, type Kek, kekFault } from './key_encryption_key.ts';
import { type KeySource, pairKeks } from './root_key_source.ts';

export interface FileKeySourceParts {
  /** A file of 32 random bytes; the previous key is in `<path>.previous`. */
  path: string;
  /** Required owner of the files. Default: the user of this process. */
  ownerUid?: number;
  /** Folder in which systemd places the credentials of this service. */
  credentialsDirectory?: string | undefined;
}

export function createFileKeySource(parts: FileKeySourceParts): KeySource {
  const { path, ownerUid = process.getuid?.(), credentialsDirectory } = parts;
  const file = resolve(path);
  const readFrom = (name: string) => readKek(name, ownerUid, credentialsDirectory);
  return {
    name: `file:${path}`,
    async load() {
      const current = await readFrom(file);
      if (current === undefined) {
        throw unavailable(
          file,
          'does not exist. Restore the root key of this database there: without it, no record opens',
        );
      }
      return pairKeks(current, await readFrom(`${file}.previous`));
    },
  };
}

/** For an empty database only: otherwise a new key would hide that the right one is missing. Never overwrites. */
export async function createKekFile(path: string): Promise<void> {
  const file = resolve(path);
  const draft = `${file}.partial`;
  try {
    const firstFolder = await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // Under another name first: a process that is killed in between must not leave an incomplete key file.
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', 0o400);
    try {
      await writeKek(handle);
    } finally {
      await handle.close();
    }
    await link(draft, file).finally(() => unlink(draft));
    await syncFolders(dirname(file), firstFolder);
  } catch (error) {
    if (errorCode(error) === 'EEXIST')
      throw unavailable(file, 'exists already, and is kept. Choose another path', error);
    throw unavailable(file, `cannot be created (${errorCode(error)}). Check the folder and the files in it`, error);
  }
}

async function writeKek(handle: FileHandle): Promise<void> {
  const key = randomBytes(KEK_BYTES);
  await handle.write(key);
  key.fill(0);
  await handle.sync();
}

/** Up to the parent of the first folder that was created. */
async function syncFolders(folder: string, firstMade: string | undefined): Promise<void> {
  await syncFolder(folder);
  if (firstMade !== undefined && folder.length >= firstMade.length) await syncFolders(dirname(folder), firstMade);
}

// The name of a new file is durable only after its folder is synced.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readKek(
  file: string,
  ownerUid: number | undefined,
  credentialsDirectory: string | undefined,
): Promise<Kek | undefined> {
  const notRegular = () => unavailable(file, 'is not a regular file. Replace it with a file');
  try {
    await checkLink(file, ownerUid);
    return await withRegularFile(file, { notRegular }, async (handle, stat) => {
      if (!(await isServiceCredential(file, stat, credentialsDirectory))) checkOwner(file, stat, ownerUid);
      return readOpenKek(file, handle, stat.size);
    });
  } catch (error) {
    if (error instanceof VaultError) throw error;
    if (errorCode(error) === 'ENOENT' && !(await isDanglingLink(file))) return undefined;
    throw unavailable(file, `cannot be opened (${errorCode(error)}). Check its path and permissions`, error);
  }
}

async function readOpenKek(file: string, handle: FileHandle, size: number): Promise<Kek> {
  if (size !== KEK_BYTES) throw notAKey(file, `holds ${size} bytes instead of ${KEK_BYTES}`);
  const bytes = Buffer.alloc(KEK_BYTES);
  const { bytesRead } = await handle.read(bytes, 0, KEK_BYTES, 0);
  const fault = kekFault(bytes.subarray(0, bytesRead));
  if (fault !== undefined) throw notAKey(file, fault);
  return createKek(bytes);
}

function checkOwner(file: string, { uid, mode }: Stats, ownerUid: number | undefined): void {
  if (ownerUid !== undefined && uid !== ownerUid) throw wrongOwner(file, uid, ownerUid);
  if ((mode & 0o077) !== 0) {
    throw unavailable(file, `is open to other users (mode ${(mode & 0o777).toString(8)}). Run: chmod 0400 ${file}`);
  }
}

/**
 * A file of systemd's `LoadCredential=` belongs to root with mode 0440: the group's bits are the mask of an access list
 * with only the user of the service. Only root can change the file or the folder, and other users cannot enter the
 * folder.
 */
async function isServiceCredential(
  file: string,
  { uid, gid, mode }: Stats,
  folder: string | undefined,
): Promise<boolean> {
  if (folder === undefined || uid !== 0 || gid !== 0 || (mode & 0o777 & ~0o440) !== 0) return false;
  try {
    const [realFolder, realFile] = [await realpath(folder), await realpath(file)];
    const { uid: owner, gid: group, mode: folderMode } = await lstat(realFolder);
    return dirname(realFile) === realFolder && owner === 0 && group === 0 && (folderMode & 0o027) === 0;
  } catch {
    return false;
  }
}

// Kubernetes and configuration tools use links; a link is trusted if its owner is.
async function checkLink(file: string, ownerUid: number | undefined): Promise<void> {
  const { uid } = await lstat(file);
  if (ownerUid !== undefined && uid !== ownerUid && uid !== 0) throw wrongOwner(file, uid, ownerUid);
}

async function isDanglingLink(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined))?.isSymbolicLink() ?? false;
}

function wrongOwner(file: string, uid: number, ownerUid: number): VaultError {
  return unavailable(file, `belongs to user ${uid}, not to user ${ownerUid} of this process. Change its owner`);
}

function notAKey(file: string, fault: string): VaultError {
  return unavailable(file, `${fault}. A key file has 32 raw random bytes. Restore it from your copy of the root key`);
}

function unavailable(file: string, fault: string, cause?: unknown): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The key file ${file} ${fault}.`, { cause });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
