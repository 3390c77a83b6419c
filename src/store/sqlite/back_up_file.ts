import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { isVaultError } from '../../model/errors.ts';
import { readMigrations } from '../read_migration_files.ts';
import { checkExists } from './inspect_database_file.ts';
import { openFileReadonly } from './open_file_readonly.ts';
import { damaged, isDamage, unusable } from './unusable_database_error.ts';

export interface BackupParts {
  /** A database file, which a vault may be serving. */
  readonly from: string;
  readonly to: string;
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (pages: number, allPages: number) => void;
}

export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
}

/** 16 MB, so that a signal is noticed soon. */
const PAGES_PER_STEP = 4_096;

/**
 * Copies a database with its write-ahead log into one file that needs no other file. The file gets its name when it is complete and durable.
 * EEXIST if it exists and `overwrite` is false, or if it is the database; DATABASE_UNAVAILABLE.
 */
export async function backUpFile({ from, to, overwrite, signal, onProgress }: BackupParts): Promise<BackupFile> {
  const target = resolve(to);
  checkFree(target, overwrite);
  const source = checkExists(from, readMigrations('sqlite'));
  if (isSameFile(source, target)) throw Object.assign(new Error('The file is the database'), { code: 'EEXIST' });
  const draft = `${target}.${randomBytes(4).toString('hex')}.partial`;
  closeSync(openSync(draft, 'wx', 0o600));
  try {
    await copyPages(source, draft, signal, onProgress);
    finish(source, draft);
    sync(draft);
    checkFree(target, overwrite);
    renameSync(draft, target);
    sync(dirname(target));
    return { path: target, bytes: statSync(target).size };
  } catch (error) {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${draft}${suffix}`, { force: true });
    if (isVaultError(error) || !(error instanceof SqliteConnection.SqliteError)) throw error;
    if (isDamage(error)) throw damaged(source, error);
    throw unusable(draft, 'backup', `cannot be written as a copy of ${source}. Check both disks`, error);
  }
}

function checkFree(target: string, overwrite: boolean): void {
  if (!overwrite && existsSync(target)) throw Object.assign(new Error('The file exists'), { code: 'EEXIST' });
}

function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);
}

async function copyPages(
  source: string,
  draft: string,
  signal: AbortSignal,
  onProgress: BackupParts['onProgress'],
): Promise<void> {
  const client = openFileReadonly(source);
  try {
    // One snapshot: without it, SQLite starts over after each commit of the vault, and may never finish.
    client.exec('BEGIN');
    client.prepare('SELECT 1 FROM sqlite_schema').get();
    await client.backup(draft, {
      progress({ totalPages, remainingPages }) {
        signal.throwIfAborted();
        onProgress(totalPages - remainingPages, totalPages);
        return PAGES_PER_STEP;
      },
    });
  } finally {
    client.close();
  }
}

/** Leaves the mode of a write-ahead log, which would need files next to the copy, and reads every page. */
function finish(source: string, draft: string): void {
  const client = new SqliteConnection(draft, { fileMustExist: true });
  try {
    client.pragma('journal_mode = DELETE');
    const found = client.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw damaged(source);
  } finally {
    client.close();
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
