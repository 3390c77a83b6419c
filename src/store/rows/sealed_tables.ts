import { type Column, eq, getTableColumns, getTableName, inArray, type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { type Place, VAULT_UID } from '../../keyring/keyring.ts';
import type { Build, Db } from '../database_interface.ts';
import type { Tables } from '../table_definitions.ts';
import { IS_SEALED_META, SEALED_COLUMNS } from './sealed_columns.ts';

/** By the property of the table or select. */
type Columns = Readonly<Record<string, PgColumn>>;
export type SealedRow = Readonly<Record<string, unknown>>;

/** A table with sealed columns, and how its rows are read with the names that their values are bound to. */
export interface SealedTable {
  readonly table: PgTable;
  /** The primary key. */
  readonly key: Columns;
  /** Of the other tables that have the names. Without a row there, the names are empty, and no value opens. */
  readonly names: Readonly<Record<string, SQL>>;
  readonly joins: readonly (readonly [table: PgTable, on: SQL])[];
  /** How the rows of one tenant are walked. Undefined: all rows belong to the vault itself, and are few. */
  readonly walk: Walk | undefined;
  /** Leaves out rows that are not sealed. */
  readonly where?: SQL;
  /** The place of a value, by its column. */
  readonly places: Readonly<Record<string, (row: never) => Place>>;
}

/** Ranges of a table that an index has in the order of its id: the table itself, or one whose rows have these rows. */
export interface Walk {
  readonly table: PgTable;
  /** The column with the tenant's uid. */
  readonly owner: PgColumn;
  readonly id: PgColumn;
}

/**
 * Every table of `SEALED_COLUMNS`. Resealing and the verification of backups read rows by this list. Those of a tenant are in
 * the order in which its deletion locks them, so that a commit that seals rows of several tables does not cross it.
 */
export function sealedTables(tables: Tables): readonly SealedTable[] {
  const { tenants, apps, credentials, connections, accessTokens } = tables;
  const { authorizations, authorizationAttempts: attempts, auditStreams, meta } = tables;
  const { tenantId, connectionId } = connections;
  const ofConnections = { table: connections, owner: connections.tenantUid, id: connectionId };
  const byTable: Readonly<Record<keyof typeof SEALED_COLUMNS, SealedTable>> = {
    auditStreams: {
      table: auditStreams,
      key: { streamId: auditStreams.streamId },
      names: {},
      joins: [],
      walk: undefined,
      places: {
        checkpoint: (row: { streamId: string }) => SEALED_COLUMNS.auditStreams.checkpoint(row.streamId),
      },
    },
    meta: {
      table: meta,
      key: { key: meta.key },
      names: {},
      joins: [],
      walk: undefined,
      where: inArray(meta.key, SEALED_META),
      places: { value: (row: { key: string }) => SEALED_COLUMNS.meta.value(row.key) },
    },
    connections: {
      table: connections,
      key: { uid: connections.uid },
      names: {},
      joins: [],
      walk: ofConnections,
      places: SEALED_COLUMNS.connections,
    },
    accessTokens: {
      table: accessTokens,
      key: { connectionUid: accessTokens.connectionUid, resource: accessTokens.resource },
      names: { tenantId: orNone(tenantId), connectionId: orNone(connectionId) },
      joins: [[connections, eq(connections.uid, accessTokens.connectionUid)]],
      walk: ofConnections,
      places: {
        token: (
          row: { connectionUid: string; resource: string } & Record<'tenantUid' | 'tenantId' | 'connectionId', string>,
        ) => SEALED_COLUMNS.accessTokens.token({ ...row, uid: row.connectionUid }, row.resource),
      },
    },
    authorizations: {
      table: authorizations,
      key: { uid: authorizations.uid },
      names: { tenantId: orNone(tenants.tenantId) },
      joins: [
        [connections, eq(connections.uid, authorizations.connectionUid)],
        [tenants, eq(tenants.uid, authorizations.tenantUid)],
      ],
      walk: ofConnections,
      places: SEALED_COLUMNS.authorizations,
    },
    authorizationAttempts: {
      table: attempts,
      key: { stateHash: attempts.stateHash },
      names: { tenantUid: orNone(authorizations.tenantUid), tenantId: orNone(tenants.tenantId) },
      joins: [
        [authorizations, eq(authorizations.uid, attempts.authorizationUid)],
        [connections, eq(connections.uid, authorizations.connectionUid)],
        [tenants, eq(tenants.uid, authorizations.tenantUid)],
      ],
      walk: ofConnections,
      places: {
        secrets: (
          row: Parameters<typeof SEALED_COLUMNS.authorizationAttempts.secrets>[1] &
            Record<'tenantUid' | 'tenantId', string>,
        ) => SEALED_COLUMNS.authorizationAttempts.secrets(row, row),
      },
    },
    credentials: {
      table: credentials,
      key: { uid: credentials.uid },
      names: { tenantId: orNone(apps.tenantId), clientId: orNone(apps.clientId), cloud: orNone(apps.cloud) },
      joins: [[apps, eq(apps.uid, credentials.appUid)]],
      walk: { table: apps, owner: apps.tenantUid, id: apps.appId },
      places: {
        material: (row: Parameters<typeof SEALED_COLUMNS.credentials.material>[0] & { uid: string }) =>
          SEALED_COLUMNS.credentials.material(row, row.uid),
      },
    },
  };
  return Object.values(byTable);
}

/** Those whose rows can belong to the tenant. */
export function tablesOf(tables: Tables, tenantUid: string): readonly SealedTable[] {
  return sealedTables(tables).filter(({ walk }) => (walk === undefined) === (tenantUid === VAULT_UID));
}

export interface PlacedValue {
  readonly column: Column;
  /** The property of the row. */
  readonly property: string;
  readonly place: Place;
  readonly bytes: Buffer;
}

/** The values of a row; NULL is left out. */
export function* valuesIn({ table, places }: SealedTable, row: SealedRow): Generator<PlacedValue> {
  const columns: Columns = getTableColumns(table);
  for (const [property, placeOf] of Object.entries(places)) {
    const [bytes, column] = [row[property] as Buffer | null, columns[property]];
    if (bytes !== null && column !== undefined) yield { column, property, place: placeOf(row as never), bytes };
  }
}

/** Reads all rows of a table with their names. */
export function selectRows(db: Db, { table, names, joins }: SealedTable): Selection {
  let query = db
    .select({ ...getTableColumns(table), ...names })
    .from(table)
    .$dynamic();
  for (const [other, on] of joins) query = query.leftJoin(other, on) as unknown as typeof query;
  return query as unknown as Selection;
}

/** The same for rows of a tenant, which have all parents. */
export function selectRowsOfTenant(db: Db, { table, names, joins }: SealedTable): Selection {
  let query = db
    .select({ ...getTableColumns(table), ...names })
    .from(table)
    .$dynamic();
  for (const [other, on] of joins) query = query.innerJoin(other, on) as unknown as typeof query;
  return query as unknown as Selection;
}

interface Selection {
  where(where: SQL | undefined): Selected;
}

interface Selected extends ReturnType<Build<SealedRow[]>> {
  orderBy(...order: SQL[]): { limit(limit: number | Placeholder): ReturnType<Build<SealedRow[]>> };
}

export const nameOf = ({ table }: SealedTable): string => getTableName(table);

const SEALED_META = Object.entries(IS_SEALED_META)
  .filter(([, isSealed]) => isSealed)
  .map(([key]) => key);

function orNone(column: Column): SQL {
  return sql`coalesce(${column}, '')`;
}
