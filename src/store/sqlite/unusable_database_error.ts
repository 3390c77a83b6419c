import { VaultError } from '../../model/errors.ts';

/** Why a database file cannot be opened. */
export type Fault =
  | 'name'
  | 'folder'
  | 'read_only'
  | 'linked'
  | 'missing'
  | 'lock'
  | 'locked'
  | 'not_a_file'
  | 'not_a_database'
  | 'foreign'
  | 'truncated'
  | 'corrupt'
  | 'emptied'
  | 'stale_wal'
  | 'wal_missing'
  | 'newer_schema'
  | 'older_schema'
  | 'schema'
  | 'migration'
  | 'settings'
  | 'backup';

/** `fault` and `words` are fixed text. Only the code of `cause` is kept. */
export function unusable(path: string, fault: Fault, words: string, cause?: unknown): VaultError {
  const code = codeOf(cause);
  const isReadOnly = code === 'EROFS';
  const said = isReadOnly ? 'is on a file system that is mounted read-only. Mount it for writing' : words;
  return new VaultError('DATABASE_UNAVAILABLE', `The database ${path} ${said}${code ? ` (${code})` : ''}.`, {
    metadata: { path, fault: isReadOnly ? 'read_only' : fault },
    cause: code === undefined ? undefined : new Error(code),
  });
}

export function otherTables(path: string, cause: unknown): VaultError {
  return unusable(path, 'schema', 'lacks tables or columns of its schema version. Restore it from a backup', cause);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

const DAMAGE = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

/** Whether SQLite reports that the file is damaged. */
export function isDamage(error: unknown): boolean {
  return DAMAGE.has(codeOf(error)?.split('_').slice(0, 2).join('_') ?? '');
}

export function unreadable(path: string, error: unknown) {
  return isDamage(error)
    ? damaged(path, error)
    : unusable(
        path,
        'folder',
        'cannot be opened. Check the disk and the permissions of the file and its folder',
        error,
      );
}

export function damaged(path: string, error?: unknown) {
  return unusable(path, 'corrupt', 'is damaged. Restore it from a backup', error);
}
