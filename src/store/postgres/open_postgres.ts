import type pg from 'pg';
import { isVaultError } from '../../model/errors.ts';
import type { Database, StatementMeter } from '../database_interface.ts';
import { type Migration, readMigrations } from '../read_migration_files.ts';
import { checkServer } from './check_server.ts';
import { explainConnectFailure } from './explain_connect_failure.ts';
import { isBehind, migratePostgres } from './migrations.ts';
import type { PostgresConnections } from './postgres_connections.ts';
import { createPostgresDatabase } from './postgres_database.ts';
import { connectionsTo, type PostgresSettings } from './postgres_settings.ts';
import { unusableServer } from './unusable_server_error.ts';

export interface PostgresParts extends PostgresSettings {
  readonly url: string;
  readonly meter?: StatementMeter | undefined;
  readonly migrations?: readonly Migration[] | undefined;
}

/** Connects, checks the server, and migrates. DATABASE_UNAVAILABLE with metadata `fault`; FIELD_INVALID for an invalid URL. */
export async function openPostgres(parts: PostgresParts): Promise<Database> {
  const { url, listenUrl, namedStatements = false, meter } = parts;
  const connections = connectionsTo(url, parts);
  // Its pool stays empty: each listener has a connection of its own.
  const direct = listenUrl === undefined ? connections : connectionsTo(listenUrl, parts);
  try {
    await prepare(connections, parts);
    return createPostgresDatabase({ connections, direct, namedStatements, meter });
  } catch (error) {
    await connections.close();
    throw isVaultError(error) ? error : explainConnectFailure(error);
  }
}

async function prepare(
  connections: PostgresConnections,
  { migrations = readMigrations('postgres'), migrate = true }: PostgresParts,
) {
  const client = await connections.connect();
  try {
    await checkServer(client);
    if (!(await isBehind(client, migrations))) return await checkContent(client);
  } finally {
    await client.end();
  }
  if (!migrate) {
    throw unusableServer('not_migrated', 'lacks migrations of this version. Run `token-vault database migrate`');
  }
  await migratePostgres(connections.connect, migrations);
}

/** Setup records that are missing beside other rows are damage. With a new root key, all other rows would be lost for good. */
async function checkContent(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ emptied: boolean }>(
    `SELECT NOT EXISTS (SELECT 1 FROM meta WHERE key = 'deployment_id') AND (EXISTS (SELECT 1 FROM tenants) OR EXISTS (SELECT 1 FROM deks)) AS emptied`,
  );
  if (rows[0]?.emptied) {
    throw unusableServer('emptied', 'has rows, but not the records in meta that they need. Restore it from a backup');
  }
}
