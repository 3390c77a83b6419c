import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, realpath, rm, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { VaultError } from '../model/errors.ts';
import { createKek, KEK_BYTES, type Kek, kekFault } from './kek.ts';
import { type KeySource, pairKeks } from './key_source.ts';

export interface FileKeySourceParts {
  /** 32 random bytes; the previous key lies beside it as `<path>.previous`. */
  path: string;
  /** Who must own the files; the user of this process unless a test says otherwise. */
  ownerUid?: number;
  /** Where systemd puts the credentials of this service. */
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
          'does not exist. Restore the root key of this database there: without it nothing opens',
        );
      }
      return pairKeks(current, await readFrom(`${file}.previous`));
    },
  };
}

/** Only for an empty database: beside a filled one a new key would hide that the right one is missing. Never overwrites. */
export async function createKekFile(path: string): Promise<void> {
  const file = resolve(path);
  const draft = `${file}.new`;
  try {
    const firstFolder = await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // Under another name first: killed in between, it would leave a file that is no key. What such an end left is no key yet.
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', 0o400);
    try {
      await writeKek(handle);
    } finally {
      await handle.close();
    }
    await link(draft, file);
    await unlink(draft);
    await syncFolders(dirname(file), firstFolder);
  } catch (error) {
    throw unavailable(
      file,
      `cannot be made (${errorCode(error)}). Check the folder and what already lies there`,
      error,
    );
  }
}

async function writeKek(handle: FileHandle): Promise<void> {
  const key = randomBytes(KEK_BYTES);
  await handle.write(key);
  key.fill(0);
  await handle.sync();
}

/** Up to the one that holds the first that was made. */
async function syncFolders(folder: string, firstMade: string | undefined): Promise<void> {
  await syncFolder(folder);
  if (firstMade !== undefined && folder.length >= firstMade.length) await syncFolders(dirname(folder), firstMade);
}

// The name of a new file is durable only when its folder is.
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
  let handle: FileHandle;
  try {
    await checkLink(file, ownerUid);
    // A pipe in this place would block the open for ever.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof VaultError) throw error;
    if (errorCode(error) === 'ENOENT' && !(await isDanglingLink(file))) return undefined;
    throw unavailable(file, `cannot be opened (${errorCode(error)}). Check its path and who may read it`, error);
  }
  try {
    // Everything is asked of the open file, not of its name, which may point elsewhere a moment later.
    const stat = await checkedStat(handle, file);
    if (!(await isServiceCredential(file, stat, credentialsDirectory))) checkOwner(file, stat, ownerUid);
    const { size } = stat;
    if (size !== KEK_BYTES) throw notAKey(file, `holds ${size} bytes instead of ${KEK_BYTES}`);
    const bytes = Buffer.alloc(KEK_BYTES);
    const { bytesRead } = await handle.read(bytes, 0, KEK_BYTES, 0);
    const fault = kekFault(bytes.subarray(0, bytesRead));
    if (fault !== undefined) throw notAKey(file, fault);
    return createKek(bytes);
  } finally {
    await handle.close();
  }
}

function checkOwner(file: string, { uid, mode }: Stats, ownerUid: number | undefined): void {
  if (ownerUid !== undefined && uid !== ownerUid) {
    throw unavailable(file, `belongs to user ${uid}, not to user ${ownerUid} of this process. Change its owner`);
  }
  if ((mode & 0o077) !== 0) {
    throw unavailable(file, `is open to other users (mode ${(mode & 0o777).toString(8)}). Run: chmod 0400 ${file}`);
  }
}

/**
 * A file of systemd's `LoadCredential=` belongs to root with mode 0440: the group's bits are the mask of an access list that names the
 * user of the service alone. Nobody but root can change the file or the folder, and others cannot enter the folder.
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

async function checkedStat(handle: FileHandle, file: string) {
  const stat = await handle.stat();
  if (!stat.isFile()) throw unavailable(file, 'is no regular file');
  return stat;
}

// Kubernetes and configuration tools put links in place of files; a link is as good as whoever made it.
async function checkLink(file: string, ownerUid: number | undefined): Promise<void> {
  const { uid } = await lstat(file);
  if (ownerUid !== undefined && uid !== ownerUid && uid !== 0) {
    throw unavailable(file, `belongs to user ${uid}, not to user ${ownerUid} of this process. Change its owner`);
  }
}

async function isDanglingLink(file: string): Promise<boolean> {
  return lstat(file).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  );
}

function notAKey(file: string, fault: string): VaultError {
  return unavailable(file, `${fault}. A key file is 32 raw random bytes; restore it from where the root key is kept`);
}

function unavailable(file: string, fault: string, cause?: unknown): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The key file ${file} ${fault}.`, { cause });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
