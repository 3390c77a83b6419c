import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { type ColumnTypes, defineTables } from '../table_definitions.ts';

const sqliteColumns = {
  table: sqliteTable,
  text: (name: string) => text(name),
  integer: (name: string) => integer(name),
  boolean: (name: string) => integer(name, { mode: 'boolean' }),
  json: (name: string) => text(name, { mode: 'json' }),
  bytes: (name: string) => blob(name, { mode: 'buffer' }),
  sequence: (name: string) => integer(name).primaryKey({ autoIncrement: true }),
  index,
  uniqueIndex,
  primaryKey,
};

// Stores are written against PostgreSQL's types. Both dialects decode a column to the same JavaScript value.
export const {
  tenants,
  apps,
  appLogos,
  credentials,
  rotations,
  connections,
  accessTokens,
  authorizations,
  authorizationAttempts,
  adminConsents,
  outbox,
  sinks,
  deliveries,
  leases,
  feed,
  changes,
  replicas,
  containments,
  connectionUse,
  connectionCallers,
  callerUse,
  auditStreams,
  commits,
  deks,
  meta,
} = defineTables(sqliteColumns as unknown as ColumnTypes);
