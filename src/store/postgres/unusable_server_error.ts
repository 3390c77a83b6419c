import { VaultError } from '../../model/errors.ts';

/** Why the vault cannot use a PostgreSQL server. */
export type ServerFault =
  | 'unreachable'
  | 'login'
  | 'database_missing'
  | 'standby'
  | 'server_version'
  | 'rights'
  | 'certificate'
  | 'role_timeouts'
  | 'newer_schema'
  | 'not_migrated'
  | 'emptied';

/** `fault` and `words` are fixed text. Only the code of `cause` is kept. */
export function unusableServer(fault: ServerFault, words: string, cause?: unknown): VaultError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return new VaultError('DATABASE_UNAVAILABLE', `The database ${words}${code === undefined ? '' : ` (${code})`}.`, {
    metadata: { fault },
    cause: code === undefined ? undefined : new Error(code),
  });
}
