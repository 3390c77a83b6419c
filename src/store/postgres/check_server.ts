import type pg from 'pg';
import { translated } from '../translate_database_error.ts';
import { causeOf, sqlState } from './postgres_errors.ts';
import { unusableServer } from './unusable_server_error.ts';

const OLDEST_SERVER = 15;

/** Largest values, in milliseconds, of the timeouts with which the server ends the work of a client that is gone. */
const TIMEOUTS: Readonly<Record<string, number>> = {
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 10_000,
};

/** DATABASE_UNAVAILABLE if the server is a standby or too old, or if its role lacks a timeout. */
export async function checkServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: number; standby: boolean; role: string }>(
    `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS standby, quote_ident(current_user) AS role`,
  );
  const { version = 0, standby = false, role = '' } = rows[0] ?? {};
  const major = Math.floor(version / 10_000);
  if (major < OLDEST_SERVER) {
    throw unusableServer(
      'server_version',
      `runs on PostgreSQL ${major}; the vault requires PostgreSQL ${OLDEST_SERVER} or newer. Upgrade the server`,
    );
  }
  if (standby) {
    throw unusableServer(
      'standby',
      'is a standby, which accepts no writes. Name the primary in TOKENVAULT_DATABASE_URL, or all servers with commas between them',
    );
  }
  const missing = await missingTimeouts(client);
  if (missing.length === 0) return;
  const statements = missing.map((name) => `ALTER ROLE ${role} SET ${name} = '${(TIMEOUTS[name] ?? 0) / 1000}s';`);
  throw unusableServer(
    'role_timeouts',
    `does not limit how long statements of this role run. Run: ${statements.join(' ')} And then reconnect`,
  );
}

/** Read as the vault's statements see them, also through a pooler. */
async function missingTimeouts(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY($1)',
    [Object.keys(TIMEOUTS)],
  );
  return rows
    .filter(({ name, setting }) => Number(setting) === 0 || Number(setting) > (TIMEOUTS[name] ?? 0))
    .map(({ name }) => name);
}

const LOGIN = new Set(['28P01', '28000']);
const CERTIFICATE = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** An error of the first connection or of a migration, with what to do about it. */
export function explainConnectFailure(error: unknown): unknown {
  const state = sqlState(error) ?? '';
  const cause = causeOf(error);
  if (LOGIN.has(state)) {
    return unusableServer(
      'login',
      'rejects the user or the password. Check the user in TOKENVAULT_DATABASE_URL and the file in TOKENVAULT_DATABASE_PASSWORD_FILE',
      cause,
    );
  }
  if (state === '3D000')
    return unusableServer(
      'database_missing',
      'does not exist on the server. Create it, or correct its name in TOKENVAULT_DATABASE_URL',
      cause,
    );
  if (state === '25006')
    return unusableServer('standby', 'is read-only. Name the primary in TOKENVAULT_DATABASE_URL', cause);
  if (state === '42501') {
    return unusableServer(
      'rights',
      'does not let this role do that. Grant it the rights, or run `token-vault database migrate` as the owner of the tables',
      cause,
    );
  }
  // Such as a server that starts, or has no connection left.
  if (state !== '') return translated(error);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (CERTIFICATE.test(code)) {
    return unusableServer(
      'certificate',
      'has a certificate that does not verify. Name its certificate authority in TOKENVAULT_DATABASE_CA_FILE, and check the host name',
      cause,
    );
  }
  if (cause instanceof Error && /does not support SSL/.test(cause.message)) {
    return unusableServer(
      'certificate',
      'does not support TLS. Enable ssl on the server, or add ?sslmode=disable where nobody else can read the traffic',
    );
  }
  return unusableServer(
    'unreachable',
    'cannot be reached. Check that the server runs, and host and port in TOKENVAULT_DATABASE_URL',
    cause,
  );
}
