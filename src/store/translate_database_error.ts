import { DrizzleQueryError } from 'drizzle-orm';
import { SECOND } from '../model/clock.ts';
import { type Reason, VaultError } from '../model/errors.ts';

const TAKEN: Readonly<Record<string, { reason: Reason; what: string }>> = {
  tenants: { reason: 'TENANT_EXISTS', what: 'A tenant' },
  apps: { reason: 'APP_EXISTS', what: 'An app' },
  credentials: { reason: 'CREDENTIAL_EXISTS', what: 'A credential' },
  connections: { reason: 'CONNECTION_EXISTS', what: 'A connection' },
};

const EXTERNAL_ID_INDEX = 'connections_tenant_uid_external_id';

/** The end of the message, by SQLite's primary code or PostgreSQL's class. */
const OUTAGES: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'is locked by another program. Stop that program',
  SQLITE_LOCKED: 'is locked by another program. Stop that program',
  SQLITE_FULL: 'cannot grow because the disk is full. Free some space; nothing was written in part',
  SQLITE_IOERR: 'cannot be read or written (input/output error). Check the disk',
  SQLITE_CORRUPT: 'is damaged. Stop the vault and restore the file from a backup',
  SQLITE_NOTADB: 'is not a SQLite database. Check the path, or restore the file from a backup',
  SQLITE_CANTOPEN: 'cannot be opened. Check that the folder exists and is writable',
  SQLITE_READONLY: 'cannot be written. Check the permissions of the file and its folder',
  SQLITE_PERM: 'may not be opened. Check the permissions of the file and its folder',
  SQLITE_AUTH: 'may not be opened. Check the permissions of the file and its folder',
  SQLITE_NOMEM: 'cannot allocate memory. Increase the memory limit of the process',
  SQLITE_PROTOCOL: 'cannot be locked. Use a local disk',
  SQLITE_NOLFS: 'is too large for this disk. Move it to another file system',
  SQLITE_TOOBIG: 'received a value that is too large. Send a smaller one',
  '08': 'cannot be reached. Check the network and the server',
  '28': 'rejected the user. Check user name and password',
  '40': 'rolled the transaction back. Retry',
  '53': 'lacks disk space, memory or connections. Check the server',
  '55P03': 'did not grant a lock in time. Look for long transactions on the server, and retry',
  '57': 'is shutting down or not ready yet. Retry when it is ready',
  '58': 'reports a disk error. Check the server',
  XX: 'is damaged. Check the server',
};

/**
 * A driver's error as a VaultError: `…_EXISTS` for a duplicate key, `orphan` for a missing or still needed parent row,
 * DATABASE_UNAVAILABLE otherwise. Only the original code is kept: messages and drizzle's parameters contain values.
 */
export function translated(error: unknown, orphan: Reason = 'INTERNAL'): unknown {
  const driverError = unwrapped(error);
  if (driverError instanceof VaultError) return driverError;
  const code = codeOf(driverError);
  if (code === undefined) return error instanceof DrizzleQueryError ? outage('unknown') : driverError;

  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === '23505') {
    if (isExternalId(driverError)) {
      return new VaultError(
        'CONNECTION_EXISTS',
        'external_id: another connection of the tenant has it. Remove it there first, or use another.',
        { metadata: { field: 'external_id' }, cause: new Error(code) },
      );
    }
    const taken = TAKEN[tableOf(driverError)];
    return taken === undefined
      ? new VaultError('INTERNAL', 'A row with this key already exists.', { cause: new Error(code) })
      : new VaultError(taken.reason, `${taken.what} with this name already exists. Choose another name.`, {
          cause: new Error(code),
        });
  }
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY' || code === 'SQLITE_CONSTRAINT_TRIGGER' || code === '23503') {
    return new VaultError(
      orphan,
      ORPHANS[orphan] ?? 'A row that this one depends on is missing, or another row depends on it.',
      {
        cause: new Error(code),
      },
    );
  }
  return outage(code);
}

const ORPHANS: Partial<Record<Reason, string>> = {
  APP_IN_USE: 'Connections still use the app. Delete them or move them to another app first.',
  TENANT_NOT_FOUND: 'The tenant or the app was deleted meanwhile. Read it again.',
  APP_NOT_FOUND: 'The app was deleted meanwhile. Read it again.',
  CONNECTION_NOT_FOUND: 'The connection was deleted meanwhile. Read it again.',
};

function outage(code: string): VaultError {
  const words = OUTAGES[code.split('_').slice(0, 2).join('_')] ?? OUTAGES[code.slice(0, 2)];
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    `The database ${words ?? `returned an unexpected error (${code}). Check its log`}.`,
    {
      metadata: { fault: code },
      retryAfter: 1 * SECOND,
      cause: new Error(code),
    },
  );
}

function unwrapped(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? unwrapped(error.cause) : error;
}

const DRIVER_CODE = /^(SQLITE_[A-Z_]+|[0-9A-Z]{5}|E[A-Z]+)$/;

/** A code of SQLite, PostgreSQL or the operating system. Codes of Node.js (ERR_…) and of the vault do not match. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return DRIVER_CODE.test(error.code) ? error.code : undefined;
}

/** SQLite names the table in the message (`UNIQUE constraint failed: tenants.tenant_id`), PostgreSQL in a field. */
function tableOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('table' in error && typeof error.table === 'string') return error.table;
  return /^UNIQUE constraint failed: (\w+)\./.exec(error.message)?.[1] ?? '';
}

function isExternalId(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('constraint' in error) return error.constraint === EXTERNAL_ID_INDEX;
  return error.message.startsWith('UNIQUE constraint failed: ') && error.message.endsWith(', connections.external_id');
}
