import { randomBytes } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3';
import { drizzle as drizzlePostgres } from 'drizzle-orm/node-postgres';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyring } from '../../src/keyring/keyring.ts';
import { prepareStores } from '../../src/store/create_stores.ts';
import type { Build, Database, Db } from '../../src/store/database_interface.ts';
import { createPostgresDatabase } from '../../src/store/postgres/postgres_database.ts';
import * as postgresTables from '../../src/store/postgres/schema.ts';
import { createTenantKeys } from '../../src/store/rows/tenant_data_keys.ts';
import * as sqliteTables from '../../src/store/sqlite/schema.ts';
import type { Tables } from '../../src/store/table_definitions.ts';
import { createMeta } from '../../src/store/vault/vault_metadata_store.ts';

export interface PreparedStatement {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** Every statement that the stores prepare, by name. None of them runs. */
export function preparedStatements(dialect: Database['dialect']['kind']): ReadonlyMap<string, PreparedStatement> {
  const { db, tables } = BUILDERS[dialect]();
  const statements = new Map<string, PreparedStatement>();
  const unused = async () => {
    throw new Error('no statement runs here');
  };
  const noted = (name: string, build: Build<never>) => {
    statements.set(name, (build(db) as unknown as { toSQL(): PreparedStatement }).toSQL());
    const step = () => ({ statement, values: {}, rows: undefined });
    const statement = { all: unused, first: unused, run: unused, step };
    return statement;
  };
  const connections = { use: unused, connect: unused, close: unused };
  const database: Database = {
    ...createPostgresDatabase({ connections, namedStatements: true, meter: undefined }),
    tables,
    rows: noted,
    volatile: noted,
    write: noted,
  };
  const keyring = createKeyring({ keks: { current: createKek(randomBytes(32)) }, deploymentId: 'd' });
  prepareStores({
    database,
    keys: createTenantKeys({ database, keyring }),
    meta: createMeta(database),
    clock: { now: () => 0 },
    instance: { id: 'a1a1a1a1', copyTime: 0 },
  });
  return statements;
}

const BUILDERS: Readonly<Record<Database['dialect']['kind'], () => { db: Db; tables: Tables }>> = {
  sqlite: () => ({
    db: drizzleSqlite(new Sqlite(':memory:')) as unknown as Db,
    tables: sqliteTables as unknown as Tables,
  }),
  postgres: () => ({ db: drizzlePostgres.mock() as unknown as Db, tables: postgresTables }),
};
