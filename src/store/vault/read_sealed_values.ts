import { type Column, eq, getTableName, type SQL, sql } from 'drizzle-orm';
import type { Place } from '../../keyring/keyring.ts';
import type { Database } from '../database_interface.ts';
import { createBatchReader } from '../rows/read_in_batches.ts';
import { IS_SEALED_META, SEALED_COLUMNS } from '../rows/sealed_columns.ts';

export interface SealedValue {
  /** Table and column as in SQL. */
  readonly table: string;
  readonly column: string;
  /** The key of the row; of an access token, connection and resource with a space between them. */
  readonly uid: string;
  readonly tenantUid: string;
  readonly place: Place;
  readonly bytes: Buffer;
}

/** Every sealed value of a database, to verify a backup. A missing parent row gives an empty name, for which no value opens. */
export function readSealedValues(database: Database): AsyncGenerator<SealedValue> {
  const { tenants, apps, credentials, connections, accessTokens, authorizations } = database.tables;
  const { authorizationAttempts: attempts, auditStreams, meta } = database.tables;

  const inBatches = createBatchReader(database);
  async function* ofConnections(): AsyncGenerator<SealedValue> {
    const places = SEALED_COLUMNS.connections;
    const rows = inBatches({ uid: connections.uid }, (db, { where, order, limit }) =>
      db
        .select()
        .from(connections)
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of rows) {
      yield* sealedIn(connections.personal, row.uid, places.personal(row), row.personal);
      yield* sealedIn(connections.refreshToken, row.uid, places.refreshToken(row), row.refreshToken);
      const previous = places.previousRefreshToken(row);
      yield* sealedIn(connections.previousRefreshToken, row.uid, previous, row.previousRefreshToken);
    }
  }

  async function* ofAccessTokens(): AsyncGenerator<SealedValue> {
    const { connectionUid, resource, tenantUid, token } = accessTokens;
    const rows = inBatches({ connectionUid, resource }, (db, { where, order, limit }) =>
      db
        .select({
          connectionUid,
          resource,
          tenantUid,
          token,
          tenantId: orNone(connections.tenantId),
          connectionId: orNone(connections.connectionId),
        })
        .from(accessTokens)
        .leftJoin(connections, eq(connections.uid, connectionUid))
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of rows) {
      const place = SEALED_COLUMNS.accessTokens.token({ ...row, uid: row.connectionUid }, row.resource);
      yield* sealedIn(token, place.recordUid, place, row.token);
    }
  }

  async function* ofCredentials(): AsyncGenerator<SealedValue> {
    const { uid, tenantUid, material } = credentials;
    const rows = inBatches({ uid }, (db, { where, order, limit }) =>
      db
        .select({
          uid,
          tenantUid,
          material,
          tenantId: orNone(apps.tenantId),
          clientId: orNone(apps.clientId),
          cloud: orNone(apps.cloud),
        })
        .from(credentials)
        .leftJoin(apps, eq(apps.uid, credentials.appUid))
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of rows) {
      yield* sealedIn(material, row.uid, SEALED_COLUMNS.credentials.material(row, row.uid), row.material);
    }
  }

  async function* ofAuthorizations(): AsyncGenerator<SealedValue> {
    const { uid, tenantUid, connectionUid, loginHint, waitingGrant } = authorizations;
    const places = SEALED_COLUMNS.authorizations;
    const rows = inBatches({ uid }, (db, { where, order, limit }) =>
      db
        .select({ uid, tenantUid, connectionUid, loginHint, waitingGrant, tenantId: orNone(tenants.tenantId) })
        .from(authorizations)
        .leftJoin(tenants, eq(tenants.uid, tenantUid))
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of rows) {
      yield* sealedIn(loginHint, row.uid, places.loginHint(row), row.loginHint);
      yield* sealedIn(waitingGrant, row.uid, places.waitingGrant(row), row.waitingGrant);
    }
  }

  async function* ofAttempts(): AsyncGenerator<SealedValue> {
    const { stateHash, authorizationUid, secrets } = attempts;
    const rows = inBatches({ stateHash }, (db, { where, order, limit }) =>
      db
        .select({
          stateHash,
          authorizationUid,
          secrets,
          tenantUid: orNone(authorizations.tenantUid),
          tenantId: orNone(tenants.tenantId),
        })
        .from(attempts)
        .leftJoin(authorizations, eq(authorizations.uid, authorizationUid))
        .leftJoin(tenants, eq(tenants.uid, authorizations.tenantUid))
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of rows) {
      const place = SEALED_COLUMNS.authorizationAttempts.secrets(row, row);
      yield* sealedIn(secrets, row.stateHash, place, row.secrets);
    }
  }

  async function* ofVault(): AsyncGenerator<SealedValue> {
    const { streamId, checkpoint } = auditStreams;
    const streams = inBatches({ streamId }, (db, { where, order, limit }) =>
      db
        .select({ streamId, checkpoint })
        .from(auditStreams)
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of streams) {
      yield* sealedIn(checkpoint, row.streamId, SEALED_COLUMNS.auditStreams.checkpoint(row.streamId), row.checkpoint);
    }
    const { key, value } = meta;
    const values = inBatches({ key }, (db, { where, order, limit }) =>
      db
        .select({ key, value })
        .from(meta)
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of values) {
      const isSealed = new Map<string, boolean>(Object.entries(IS_SEALED_META)).get(row.key) === true;
      if (isSealed) yield* sealedIn(value, row.key, SEALED_COLUMNS.meta.value(row.key), row.value);
    }
  }

  return (async function* () {
    for (const one of [ofVault, ofCredentials, ofConnections, ofAccessTokens, ofAuthorizations, ofAttempts]) {
      yield* one();
    }
  })();
}

function* sealedIn(column: Column, uid: string, place: Place, bytes: Buffer | null): Generator<SealedValue> {
  if (bytes === null) return;
  yield { table: getTableName(column.table), column: column.name, uid, tenantUid: place.tenantUid, place, bytes };
}

function orNone<Type extends string>(column: Column & { _: { data: Type } }): SQL<Type> {
  return sql<Type>`coalesce(${column}, '')`;
}
