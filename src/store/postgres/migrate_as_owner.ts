import type pg from 'pg';
import { isVaultError } from '../../model/errors.ts';
import { readMigrations } from '../read_migration_files.ts';
import { explainConnectFailure } from './explain_connect_failure.ts';
import { isBehind, migratePostgres } from './migrations.ts';
import { connectionsTo, type PostgresSettings } from './postgres_settings.ts';
import { unusableServer } from './unusable_server_error.ts';

/**
 * Applies missing migrations as the owner of the tables, and grants what the role of the vault needs. Returns whether
 * migrations were missing. DATABASE_UNAVAILABLE.
 */
export async function migrateAsOwner(
  url: string,
  settings: PostgresSettings,
  grantTo: string | undefined,
): Promise<boolean> {
  const migrations = readMigrations('postgres');
  const connections = connectionsTo(url, settings);
  try {
    const client = await connections.connect();
    try {
      const isMissing = await isBehind(client, migrations);
      if (isMissing) await migratePostgres(connections.connect, migrations);
      if (grantTo !== undefined) await grant(client, grantTo);
      return isMissing;
    } finally {
      await client.end();
    }
  } catch (error) {
    throw isVaultError(error) ? error : explainConnectFailure(error);
  } finally {
    await connections.close();
  }
}

async function grant(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ role: string; schema: string }>(
    'SELECT quote_ident(rolname) AS role, quote_ident(current_schema()) AS schema FROM pg_catalog.pg_roles WHERE rolname = $1',
    [role],
  );
  const [names] = rows;
  if (names === undefined) {
    throw unusableServer(
      'rights',
      'has no role of the name that --grant-to gives. Create it with CREATE ROLE … LOGIN, and run this command again',
    );
  }
  const { role: grantee, schema } = names;
  await client.query(
    `BEGIN; GRANT USAGE ON SCHEMA ${schema} TO ${grantee}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${grantee}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${grantee}; COMMIT`,
  );
}
