import { closeSync, openSync, type Stats, statSync, truncateSync } from 'node:fs';
import type SqliteConnection from 'better-sqlite3';
import { SECOND } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { FilePlace } from '../database_interface.ts';
import { removeRecord, writeRecord } from './clean_shutdown_state_file.ts';
import { FILE_HEADER_BYTES, type FileHeader, parseFileHeader, readAt } from './database_file_header.ts';
import { beginEpoch } from './stamp_file_and_wal_epoch.ts';
import { createLogSync, type SyncFile } from './write_ahead_log_sync.ts';

/**
 * The files of an open database. SQLite itself continues with files that were deleted, moved or replaced, and its writes are lost
 * when the process exits.
 */
export interface OpenFiles {
  readonly place: FilePlace | undefined;
  /** DATABASE_UNAVAILABLE if a file was deleted, moved or replaced, or if the disk failed to store a commit. */
  verify(): void;
  /** The second half of that check, which costs nothing, before each read. */
  beforeRead(): void;
  /** The same check, before each write and outside of a transaction. Repairs what the disk failed to store. */
  beforeWrite(): void;
  /** Resolves when everything that was written is on the disk. */
  sync(): Promise<void>;
  /** Checkpoints the log and truncates it. False: another connection reads it, and it is not truncated. */
  truncateLog(): boolean;
  /** Closes the database too. */
  close(): void;
}

/** The state of the file after the last write to its log. */
interface Known {
  /** The file itself changes only at a checkpoint. */
  readonly modifyTime: number;
  readonly header: FileHeader;
  /** The `user_version` that a checkpoint gives it. */
  readonly epoch: number;
}

/** For a database in WAL mode that was read or written: its log exists, and stays the same file until it is closed. */
export function createOpenFiles(path: string, client: SqliteConnection.Database, syncFile?: SyncFile): OpenFiles {
  const log = `${path}-wal`;
  const opened = { file: statSync(path), log: statSync(log) };
  // Closed only after the database: closing any descriptor of a file drops the locks that SQLite holds on it in this process.
  const descriptor = openSync(path, 'r');
  let known: Known | undefined;

  function found(): Stats {
    const file = statSync(path, { throwIfNoEntry: false });
    if (!isSame(opened.file, file)) throw displaced('file');
    if (!isSame(opened.log, statSync(log, { throwIfNoEntry: false }))) throw displaced('write-ahead log');
    if (file.mtimeMs !== known?.modifyTime && isOverwritten()) throw displaced('file');
    return file;
  }

  /** Another file was copied over it. */
  function isOverwritten(): boolean {
    if (known === undefined) return false;
    const { changeCounter, schemaCookie, userVersion } = headerOf(descriptor);
    const { header, epoch } = known;
    return (
      (userVersion !== header.userVersion && userVersion !== epoch) ||
      schemaCookie !== header.schemaCookie ||
      changeCounter < header.changeCounter
    );
  }

  function begin(): void {
    const epoch = beginEpoch(client);
    known = { modifyTime: statSync(path).mtimeMs, header: headerOf(descriptor), epoch };
    // The record matters only at a start after a kill, so a full disk must not fail writes that still succeed.
    passes(() => writeRecord(path, 'OPEN'));
  }

  function emptyLog(): boolean {
    found();
    // The next start must not mistake an empty log for a deleted one.
    removeRecord(path);
    const isEmpty = truncateLog(client);
    if (isEmpty) begin();
    return isEmpty;
  }

  const logSync = createLogSync({ path: log, empty: emptyLog, syncFile });

  function verify(): void {
    logSync.check();
    found();
  }

  return {
    place: placeOf(opened.file),
    verify,
    beforeRead: logSync.check,
    beforeWrite() {
      logSync.repair();
      if (found().mtimeMs !== known?.modifyTime) begin();
    },
    sync: logSync.run,
    truncateLog: emptyLog,
    close() {
      const isInPlace = passes(found);
      if (isInPlace) removeRecord(path);
      // SQLite checkpoints the log as it closes, which would destroy the copy that replaced the file.
      else if (isOverwritten()) truncateSync(log);
      client.close();
      closeSync(descriptor);
      logSync.close();
      if (isInPlace) passes(() => writeRecord(path, 'CLOSED'));
    },
  };
}

/** Does not wait for other connections, which would block the event loop. */
function truncateLog(client: SqliteConnection.Database): boolean {
  const timeout = client.pragma('busy_timeout', { simple: true });
  client.pragma('busy_timeout = 0');
  try {
    return client.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) !== 1;
  } finally {
    client.pragma(`busy_timeout = ${timeout}`);
  }
}

/** File systems that do not store the creation time report the time of the last change. */
function placeOf({ ino, birthtimeMs, ctimeMs }: Stats): FilePlace {
  return { inode: ino, birthTime: birthtimeMs === ctimeMs ? 0 : birthtimeMs };
}

function isSame(opened: Stats, found: Stats | undefined): found is Stats {
  return found?.ino === opened.ino && found.dev === opened.dev;
}

/** Of the file itself, without the log. */
function headerOf(descriptor: number): FileHeader {
  return parseFileHeader(readAt(descriptor, FILE_HEADER_BYTES, 0) ?? Buffer.alloc(FILE_HEADER_BYTES));
}

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function displaced(what: string): VaultError {
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    `The ${what} of the database was deleted, moved or replaced while the vault runs, so the vault has stopped writing. ` +
      'Put it back; or stop the vault, restore the database, and start the vault again.',
    { metadata: { fault: 'displaced' }, retryAfter: SECOND },
  );
}
