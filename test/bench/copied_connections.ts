import pg from 'pg';
import { createKeyring } from '../../src/keyring/keyring.ts';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import { DAY, systemClock } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import { createConnectionRows } from '../../src/store/connections/connection_rows.ts';
import { createAccessTokenRows } from '../../src/store/connections/sealed_access_token_rows.ts';
import type { Database, Values } from '../../src/store/database_interface.ts';
import { createOutboxRows } from '../../src/store/events/event_outbox.ts';
import { createChangeRows } from '../../src/store/replication/announce_changes_to_replicas.ts';
import { createTenantKeys } from '../../src/store/rows/tenant_data_keys.ts';
import { createMeta } from '../../src/store/vault/vault_metadata_store.ts';
import { copyRows } from './copy_rows.ts';
import { newRefreshToken } from './fake_entra.ts';
import { type StoredTokens, sampleAccessToken, sampleConnection } from './sample_connection.ts';

/** Access tokens refer to connections, which must be stored first. */
const BATCH = 10_000;
/** Over how many days the last redemptions are scattered: no keep-alive is due, and rows are not in the order of their due times. */
const SCATTER = 20 * DAY;
/** Coprime to every number of connections that is a power of ten. */
const STRIDE = 7_919;

export interface Copying {
  readonly databaseUrl: string;
  readonly database: Database;
  readonly keks: Keks;
  readonly app: App;
  readonly connections: number;
  readonly accessTokens: StoredTokens;
}

/** Writes connections with COPY, which is many times faster than a commit each. The rows are those of the stores, without their events. */
export async function copyConnections({
  databaseUrl,
  app,
  connections,
  accessTokens,
  ...parts
}: Copying): Promise<void> {
  const { database } = parts;
  const rows = await rowsOf(parts, app);
  const start = systemClock.now();

  const connectionAt = (number: number) =>
    sampleConnection(app, number, start - Math.floor((((number * STRIDE) % connections) / connections) * SCATTER));
  function* connectionRows(batch: readonly Connection[]): Generator<Values> {
    for (const connection of batch) yield rows.ofConnection(connection);
  }
  function* tokenRows(batch: readonly Connection[], kind: 'live' | 'stale'): Generator<Values> {
    for (const connection of batch) yield rows.ofToken(connection, kind);
  }

  // Not the pool of the stores: pipelined connections cannot copy.
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET statement_timeout = 0');
    for (let from = 0; from < connections; from += BATCH) {
      const length = Math.min(BATCH, connections - from);
      const batch = Array.from({ length }, (_, index) => connectionAt(from + index));
      await copyRows(client, database.tables.connections, connectionRows(batch));
      if (accessTokens !== 'none') await copyRows(client, database.tables.accessTokens, tokenRows(batch, accessTokens));
    }
    await client.query('VACUUM (ANALYZE) connections, access_tokens');
  } finally {
    await client.end();
  }
}

/** The values of rows as the stores write them: sealed, with MAC and blind index. */
async function rowsOf({ database, keks }: Pick<Copying, 'database' | 'keks'>, app: App) {
  const deploymentId = (await createMeta(database).find('deployment_id'))?.toString('utf8') ?? '';
  const keys = createTenantKeys({ database, keyring: createKeyring({ keks, deploymentId }) });
  await keys.ready(app.tenantUid);
  const outbox = createOutboxRows(database);
  const parts = { database, keys, outbox, changes: createChangeRows(database), clock: systemClock };
  const connectionRows = createConnectionRows(parts);
  const tokenRows = createAccessTokenRows(parts);
  return {
    ofConnection(connection: Connection): Values {
      const [insert] = connectionRows.insert(connection, new Secret(newRefreshToken()));
      return insert?.values ?? {};
    },
    ofToken: (connection: Connection, kind: 'live' | 'stale') =>
      tokenRows.upsert(connection, sampleAccessToken(kind, systemClock.now())).values,
  };
}
