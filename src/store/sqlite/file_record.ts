import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { unusable } from './unusable.ts';

/**
 * What the last vault knew of its database file, in `PATH.state`: whether it closed it, and how the file looked then.
 * Without it the next start cannot see that a write-ahead log was deleted, nor whether the file may be damaged.
 */
interface FileRecord {
  /** OPEN: a vault serves it, or was killed. The log then holds changes that the file does not. */
  readonly state: 'OPEN' | 'CLOSED';
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly modifyTime: number;
}

/** Whether the file is as a vault closed it. Refuses one whose write-ahead log was deleted since. */
export function isAsClosed(path: string): boolean {
  const record = readRecord(path);
  if (record === undefined || !isSame(record, recordOf(path, record.state))) return false;
  if (record.state === 'CLOSED') return true;
  // SQLite makes an empty one when it reads.
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return false;
  throw unusable(
    path,
    'wal_missing',
    `was not closed properly, and ${path}-wal, which holds its last changes, was deleted. Put that file back, or restore a backup. ` +
      `To go on without those changes, delete ${path}.state`,
  );
}

/** Refuses an empty or missing file that a vault served and did not close. */
export function checkNotServed(path: string): void {
  if (readRecord(path)?.state !== 'OPEN') return;
  throw unusable(
    path,
    'missing',
    'is gone: it was deleted or moved while a vault served it. Put it back, or restore a backup. ' +
      `To begin with an empty database, delete ${path}-wal and ${path}.state`,
  );
}

export function writeRecord(path: string, state: FileRecord['state']): void {
  writeFileSync(`${path}.state`, JSON.stringify(recordOf(path, state)), { mode: 0o600 });
}

export function removeRecord(path: string): void {
  rmSync(`${path}.state`, { force: true });
}

function recordOf(path: string, state: FileRecord['state']): FileRecord {
  const { dev, ino, size, mtimeMs } = statSync(path);
  return { state, device: dev, inode: ino, size, modifyTime: mtimeMs };
}

/** Undefined: no record exists, or a crash cut it. */
function readRecord(path: string): FileRecord | undefined {
  try {
    return JSON.parse(readFileSync(`${path}.state`, 'utf8')) as FileRecord;
  } catch {
    return undefined;
  }
}

function isSame(one: FileRecord, other: FileRecord): boolean {
  return (
    one.device === other.device &&
    one.inode === other.inode &&
    one.size === other.size &&
    one.modifyTime === other.modifyTime
  );
}
