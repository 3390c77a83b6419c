import { ConfigError } from '../config/config_error.ts';
import { VaultError } from '../model/errors.ts';
import { CommandError, EXIT } from './exit_codes.ts';

export interface Explanation {
  readonly exitCode: number;
  /** Without a stack, because people read it. */
  readonly message: string;
}

/** Faults of a database that a retry cannot repair. */
const UNUSABLE_DATA = new Set([
  'not_a_database',
  'foreign',
  'truncated',
  'corrupt',
  'emptied',
  'missing',
  'stale_wal',
  'wal_missing',
  'newer_schema',
  'older_schema',
  'schema',
  'not_migrated',
  'unfinished_copy',
  'not_empty',
  'SQLITE_CORRUPT',
  'SQLITE_NOTADB',
]);

/** Faults of a PostgreSQL server. All others end with 69. */
const SERVER_FAULTS: Readonly<Record<string, number>> = {
  login: EXIT.NO_PERMISSION,
  rights: EXIT.NO_PERMISSION,
  database_missing: EXIT.NO_INPUT,
  standby: EXIT.TEMPORARY_FAILURE,
  server_version: EXIT.CONFIGURATION,
  certificate: EXIT.CONFIGURATION,
  role_timeouts: EXIT.CONFIGURATION,
};

/** The cause of an error and its exit code; undefined for a bug. */
export function explain(error: unknown): Explanation | undefined {
  if (error instanceof CommandError) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof ConfigError) return { exitCode: EXIT.CONFIGURATION, message: error.message };
  if (error instanceof VaultError)
    return { exitCode: exitCodeOf(error), message: `${error.message} [${error.reason}]` };
  const { code, url, address, port } = error as NodeJS.ErrnoException & {
    url?: string;
    address?: string;
    port?: number;
  };
  if (code === 'ERR_MODULE_NOT_FOUND' && /\/src\/(sandbox|demo)\//.test(url ?? ''))
    return { exitCode: EXIT.CONFIGURATION, message: NO_SANDBOX };
  if (code !== 'EADDRINUSE') return undefined;
  return {
    exitCode: EXIT.CONFIGURATION,
    message: `Cannot listen on ${address}:${port}. The address is in use. Stop the other process, or choose another address.`,
  };
}

const NO_SANDBOX =
  'TOKENVAULT_SANDBOX, `token-vault sandbox` and `token-vault demo` need the sandbox, which container images do not contain. Run them in a checkout.';

function exitCodeOf({ reason, metadata }: VaultError): number {
  const fault = metadata['fault'] ?? '';
  if (reason === 'RECORD_CORRUPT' || UNUSABLE_DATA.has(fault)) return EXIT.DATA;
  return reason === 'FIELD_INVALID' ? EXIT.CONFIGURATION : (SERVER_FAULTS[fault] ?? EXIT.UNAVAILABLE);
}
