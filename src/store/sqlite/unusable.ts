import { VaultError } from '../../model/errors.ts';

/** Why a database file cannot be opened. */
export type Fault =
  | 'folder'
  | 'lock'
  | 'locked'
  | 'not_a_file'
  | 'not_a_database'
  | 'foreign'
  | 'truncated'
  | 'corrupt'
  | 'newer_schema'
  | 'migration'
  | 'settings';

/** `fault` and `words` are fixed text; of a foreign error only its code goes on. */
export function unusable(path: string, fault: Fault, words: string, cause?: unknown): VaultError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return new VaultError('DATABASE_UNAVAILABLE', `The database ${path} ${words}${code ? ` (${code})` : ''}.`, {
    metadata: { path, fault },
    cause: code === undefined ? undefined : new Error(code),
  });
}
