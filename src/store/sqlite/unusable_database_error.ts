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
  | 'backup'
  | 'unfinished_copy';

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
