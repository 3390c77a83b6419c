import { bigint, boolean, customType, index, jsonb, pgTable, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core';

const integer = (name: string) => bigint(name, { mode: 'number' });

/** PostgreSQL's tables, column types and indexes, for `tables.ts`. */
export const postgresColumns = {
  table: pgTable,
  // Collation "C" compares bytes, as SQLite does, so that pages have the same order in every locale of the cluster.
  text: customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' }),
  integer,
  boolean,
  json: jsonb,
  bytes: customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' }),
  sequence: (name: string) => integer(name).primaryKey().generatedByDefaultAsIdentity(),
  index,
  uniqueIndex,
  primaryKey,
};
