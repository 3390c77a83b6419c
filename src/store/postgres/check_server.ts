import type pg from 'pg';
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
