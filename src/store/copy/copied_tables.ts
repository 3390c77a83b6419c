import { asc, type Column, desc, getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Database } from '../database_interface.ts';
import type { Tables } from '../table_definitions.ts';

export type TableName = keyof Tables;
/** By column; both dialects decode a row to the same values. */
export type AnyRow = Readonly<Record<string, unknown>>;

/**
 * The primary keys of all tables, parents before children. Undefined: the rows belong to running processes and are not copied; `meta` is
 * copied with the marker.
 */
const PRIMARY_KEYS: Readonly<Record<TableName, readonly string[] | undefined>> = {
  meta: undefined,
  deks: ['tenantUid', 'version'],
  tenants: ['uid'],
  apps: ['uid'],
  appLogos: ['appUid'],
  credentials: ['uid'],
  rotations: ['uid'],
  connections: ['uid'],
  accessTokens: ['connectionUid', 'resource'],
  authorizations: ['uid'],
  authorizationAttempts: ['stateHash'],
  adminConsents: ['uid'],
  outbox: ['sequence'],
  sinks: ['sinkId'],
  deliveries: ['sinkId', 'sequence'],
  feed: ['name'],
  changes: ['position'],
  containments: ['subject'],
  connectionUse: ['connectionUid'],
  connectionCallers: ['connectionUid', 'caller'],
  callerUse: ['caller', 'credentialId'],
  auditStreams: ['streamId'],
  leases: undefined,
  replicas: undefined,
  commits: undefined,
};

export const COPIED_TABLES = Object.entries(PRIMARY_KEYS)
  .filter(([, key]) => key !== undefined)
  .map(([name]) => name as TableName);

export interface TableReader {
  readonly columns: Readonly<Record<string, PgColumn>>;
  readonly table: PgTable;
  /** Up to `limit` rows after the key of `row`, in the order of the primary key, which compares as bytes in both dialects. */
  after(row: AnyRow | undefined, limit: number): Promise<readonly AnyRow[]>;
  /** With the highest key. */
  last(): Promise<AnyRow | undefined>;
  count(): Promise<number>;
  /** For messages. */
  keyOf(row: AnyRow): string;
}

export function createTableReader(database: Database, name: TableName): TableReader {
  const table: PgTable = database.tables[name];
  const columns: Readonly<Record<string, PgColumn>> = getTableColumns(table);
  const names = PRIMARY_KEYS[name] ?? [];
  const keys = names.map((key) => columns[key]).filter((column) => column !== undefined);
  const list = (parts: readonly SQL[]) => sql`(${sql.join([...parts], sql`, `)})`;
  const above = (row: AnyRow): SQL =>
    sql`${list(keys.map((key) => sql`${key}`))} > ${list(keys.map((key, at) => parameterOf(key, row[names[at] ?? ''])))}`;
  const select = (label: string, where: SQL | undefined, order: (column: Column) => SQL, limit: number) =>
    database.select<AnyRow>(`copy.${label}`, (db) =>
      db
        .select()
        .from(table)
        .where(where)
        .orderBy(...keys.map(order))
        .limit(limit),
    );

  return {
    columns,
    table,
    after: (row, limit) => select('read', row && above(row), asc, limit),
    last: async () => (await select('last', undefined, desc, 1))[0],
    async count() {
      const rows = await database.select('copy.count', (db) =>
        db.select({ count: sql<number>`count(*)`.mapWith(Number) }).from(table),
      );
      return rows[0]?.count ?? 0;
    },
    keyOf: (row) => names.map((key) => String(row[key])).join('/'),
  };
}

function parameterOf(column: Column, value: unknown): SQL {
  return sql`${sql.param(value, column)}`;
}
