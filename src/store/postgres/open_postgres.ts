import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { fieldInvalid, isVaultError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import type { Database, StatementMeter } from '../database_interface.ts';
import { type Migration, readMigrations } from '../read_migration_files.ts';
import { checkServer, explainConnectFailure } from './check_server.ts';
import { isBehind, migratePostgres } from './migrations.ts';
import { parsePostgresUrl } from './parse_postgres_url.ts';
import { createPostgresConnections, type PostgresConnections } from './postgres_connections.ts';
import { createPostgresDatabase } from './postgres_database.ts';
import { unusableServer } from './unusable_server_error.ts';

export interface PostgresSettings {
  /** Read for every new connection. */
  readonly passwordFile?: string | undefined;
  /** PEM of the certificate authorities of the server. */
  readonly caFile?: string | undefined;
  readonly poolSize?: number | undefined;
  readonly namedStatements?: boolean | undefined;
  /** False: missing migrations are an error. */
  readonly migrate?: boolean | undefined;
}

export interface PostgresParts extends PostgresSettings {
  readonly url: string;
  readonly meter?: StatementMeter | undefined;
  readonly migrations?: readonly Migration[] | undefined;
}

const DEFAULT_POOL_SIZE = 10;

/** Connects, checks the server, and migrates. DATABASE_UNAVAILABLE with metadata `fault`; FIELD_INVALID for an invalid URL. */
export async function openPostgres(parts: PostgresParts): Promise<Database> {
  const { url, passwordFile, caFile, poolSize = DEFAULT_POOL_SIZE, namedStatements = false, meter } = parts;
  const connections = createPostgresConnections({
    url: parsePostgresUrl(url),
    password: () =>
      passwordFile === undefined
        ? undefined
        : new Secret(readSetting('TOKENVAULT_DATABASE_PASSWORD_FILE', passwordFile).trim()),
    ca: caFile === undefined ? undefined : readSetting('TOKENVAULT_DATABASE_CA_FILE', caFile),
    poolSize,
    applicationName: `token-vault/${process.pid}`,
  });
  try {
    await prepare(connections, parts);
    return createPostgresDatabase({ connections, namedStatements, meter });
  } catch (error) {
    await connections.close();
    throw isVaultError(error) ? error : explainConnectFailure(error);
  }
}

function readSetting(field: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw fieldInvalid(field, `cannot read ${file} (${code}). Check that it exists and its permissions.`);
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
