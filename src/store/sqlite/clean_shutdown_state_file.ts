import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { unusable } from './unusable_database_error.ts';

/**
 * The state file `PATH.state`: whether the last vault closed the database file, and the identity, size and time of the file.
 * From it the next start knows whether the write-ahead log was deleted, and whether the file may be damaged.
 */
interface FileRecord {
  /** OPEN: a vault is running or was killed, and the log has changes that the file does not have. */
  readonly state: 'OPEN' | 'CLOSED';
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly modifyTime: number;
}

/** Whether the file is unchanged since a vault closed it. Throws if the write-ahead log was deleted since. */
export function isAsClosed(path: string): boolean {
  const record = readRecord(path);
  if (record === undefined || !isSame(record, recordOf(path, record.state))) return false;
  if (record.state === 'CLOSED') return true;
  // SQLite creates an empty log when it reads.
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return false;
  throw unusable(
    path,
    'wal_missing',
    `was not closed properly, and ${path}-wal with its last changes was deleted. Put that file back, or restore a backup. ` +
      `To continue without those changes, delete ${path}.state`,
  );
}

/** Throws if the empty or missing file was served by a vault that did not close it. */
export function checkNotServed(path: string): void {
  if (readRecord(path)?.state !== 'OPEN') return;
  throw unusable(
    path,
    'missing',
    'was deleted or moved while a vault served it. Put it back, or restore a backup. ' +
      `To start with an empty database, delete ${path}-wal and ${path}.state`,
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

/** Undefined: no record exists, or a crash truncated it. */
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
