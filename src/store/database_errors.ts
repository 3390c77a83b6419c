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

/** What keeps the database from working, as the end of a sentence; by SQLite's primary code or PostgreSQL's class. */
const OUTAGES: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'is locked by another program. End that program',
  SQLITE_LOCKED: 'is locked by another program. End that program',
  SQLITE_FULL: 'cannot grow: the disk is full. Free some space; nothing was half-written',
  SQLITE_IOERR: 'cannot be read or written (input/output error). Check the disk',
  SQLITE_CORRUPT: 'is damaged. Stop the vault and restore the file from a backup',
  SQLITE_NOTADB: 'is not a SQLite database. Check the path, or restore the file from a backup',
  SQLITE_CANTOPEN: 'cannot be opened. Check the folder and who may write there',
  SQLITE_READONLY: 'cannot be written. Check who may write the file and its folder',
  SQLITE_PERM: 'may not be opened. Check who may read and write the file and its folder',
  SQLITE_AUTH: 'may not be opened. Check who may read and write the file and its folder',
  SQLITE_NOMEM: 'got no memory. Give the process more',
  SQLITE_PROTOCOL: 'cannot be locked. Use a local disk',
  SQLITE_NOLFS: 'is too large for this disk',
  SQLITE_TOOBIG: 'was given a value that is too large',
  '08': 'cannot be reached. Check the network and the server',
  '28': 'refused the user. Check user and password',
  '40': 'asked to try again',
  '53': 'lacks room, memory or connections. Check the server',
  '57': 'is shutting down or not ready yet',
  '58': 'has trouble with its disk. Check the server',
  XX: 'is damaged. Check the server',
};

/**
 * A driver's error in our words: `…_EXISTS` for a taken key, `orphan` for a missing or still needed parent,
 * DATABASE_UNAVAILABLE for the rest. Of the original only its code goes on: messages and drizzle's parameters hold values.
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
        'external_id: belongs to another connection of the tenant already; take it from there first, or use another',
        { metadata: { field: 'external_id' }, cause: new Error(code) },
      );
    }
    const taken = TAKEN[tableOf(driverError)];
    return taken === undefined
      ? new VaultError('INTERNAL', 'A row of this key is already stored.', { cause: new Error(code) })
      : new VaultError(taken.reason, `${taken.what} of this name is already stored. Choose another name.`, {
          cause: new Error(code),
        });
  }
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY' || code === 'SQLITE_CONSTRAINT_TRIGGER' || code === '23503') {
    return new VaultError(
      orphan,
      ORPHANS[orphan] ?? 'A row that this one needs, or that needs it, stands in the way.',
      {
        cause: new Error(code),
      },
    );
  }
  return outage(code);
}

const ORPHANS: Partial<Record<Reason, string>> = {
  APP_IN_USE: 'Connections still go through the app. Delete or move them first.',
  TENANT_NOT_FOUND: 'The tenant, or the app, was deleted meanwhile.',
  APP_NOT_FOUND: 'The app was deleted meanwhile.',
  CONNECTION_NOT_FOUND: 'The connection was deleted meanwhile.',
};

function outage(code: string): VaultError {
  const words = OUTAGES[code.split('_').slice(0, 2).join('_')] ?? OUTAGES[code.slice(0, 2)];
  return new VaultError('DATABASE_UNAVAILABLE', `The database ${words ?? `does not answer as it should (${code})`}.`, {
    metadata: { fault: code },
    retryAfter: 1 * SECOND,
    cause: new Error(code),
  });
}

function unwrapped(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? unwrapped(error.cause) : error;
}

const DRIVER_CODE = /^(SQLITE_[A-Z_]+|[0-9A-Z]{5}|E[A-Z]+)$/;

/** SQLite's and PostgreSQL's codes are fixed words; Node's own errors (ERR_…) and ours are none of a driver. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return DRIVER_CODE.test(error.code) ? error.code : undefined;
}

/** SQLite names it in the message (`UNIQUE constraint failed: tenants.tenant_id`), PostgreSQL in a field. */
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
