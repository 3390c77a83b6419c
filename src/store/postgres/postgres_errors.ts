import { DrizzleQueryError } from 'drizzle-orm';
import pg from 'pg';
import { SECOND } from '../../model/clock.ts';
import { isVaultError, VaultError } from '../../model/errors.ts';

/** Serialization failure and deadlock: the transaction was rolled back, and may succeed if it is repeated. */
const REPEATABLE = new Set(['40001', '40P01']);

/** Lost connections, shutdown, no connection left, a server that became a standby, and a transaction that was ended. */
const CONNECTION_FAULT = /^(08...|57P0[1-5]|53300|25006|25P0[1-3])$/;

/** The error of one step, which rolled the transaction back. */
export class StepError extends Error {
  readonly index: number;
  constructor(index: number, cause: unknown) {
    super('a step failed', { cause });
    this.index = index;
  }
}

/** The SQLSTATE of an error of the server; undefined: it is another error. */
export function sqlState(error: unknown): string | undefined {
  const cause = causeOf(error);
  return cause instanceof pg.DatabaseError ? cause.code : undefined;
}

export function isRepeatable(error: unknown): boolean {
  return REPEATABLE.has(sqlState(error) ?? '');
}

/** Whether the connection cannot be used any more. */
export function isConnectionFault(error: unknown): boolean {
  return isVaultError(causeOf(error), 'DATABASE_UNAVAILABLE') || CONNECTION_FAULT.test(sqlState(error) ?? '');
}

/** Whether the server did not respond to a statement. The driver has no codes for timeouts. */
export function isQueryTimeout(error: unknown): boolean {
  return hasMessage(error, /^Query read timeout$/);
}

/** Whether the server did not respond to a new connection. Not: no connection of the pool became free. */
export function isConnectTimeout(error: unknown): boolean {
  return hasMessage(error, /^(timeout expired|Connection terminated due to connection timeout)$/);
}

/** Whether all connections of the pool were in use for the whole time that a call may wait for one. */
export function isPoolExhausted(error: unknown): boolean {
  return hasMessage(error, /^timeout exceeded when trying to connect$/);
}

function hasMessage(error: unknown, pattern: RegExp): boolean {
  const cause = causeOf(error);
  return cause instanceof Error && pattern.test(cause.message);
}

/** An error of the driver or the network, which has no SQLSTATE, as DATABASE_UNAVAILABLE. Only a code is kept. */
export function fromConnection(error: unknown): unknown {
  if (sqlState(error) !== undefined || causeOf(error) instanceof VaultError) return error;
  if (isPoolExhausted(error)) return exhaustedPool();
  const cause = causeOf(error);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'connection_lost';
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    `The database cannot be reached (${code}). Check the server, the network, and TOKENVAULT_DATABASE_URL.`,
    { metadata: { fault: code }, retryAfter: SECOND, cause: new Error(code) },
  );
}

function exhaustedPool(): VaultError {
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    'All connections to the database are in use. Look for slow statements and locks on the server, or increase TOKENVAULT_DATABASE_POOL.',
    { metadata: { fault: 'pool_exhausted' }, retryAfter: SECOND },
  );
}

export function standbyServer(): VaultError {
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    'The database is a standby, which accepts no writes. Promote it, or name the primary in TOKENVAULT_DATABASE_URL.',
    { metadata: { fault: 'standby' }, retryAfter: SECOND },
  );
}

export function causeOf(error: unknown): unknown {
  return error instanceof DrizzleQueryError || error instanceof StepError ? causeOf(error.cause) : error;
}
