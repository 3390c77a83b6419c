import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { is, Param, Placeholder, sql } from 'drizzle-orm';
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3';
import { drizzle as drizzlePostgres } from 'drizzle-orm/node-postgres';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyring } from '../../src/keyring/keyring.ts';
import { prepareStores } from '../../src/store/create_stores.ts';
import type { Build, Database, Db } from '../../src/store/database_interface.ts';
import * as postgresTables from '../../src/store/postgres/schema.ts';
import { createTenantKeys } from '../../src/store/rows/tenant_data_keys.ts';
import * as sqliteTables from '../../src/store/sqlite/schema.ts';
import type { Tables } from '../../src/store/table_definitions.ts';
import { createMeta } from '../../src/store/vault/vault_metadata_store.ts';

test('every prepared statement can be built for both dialects, with the same values', () => {
  const sqlite = statementsOf(
    drizzleSqlite(new Sqlite(':memory:')) as unknown as Db,
    sqliteTables as unknown as Tables,
  );
  const postgres = statementsOf(drizzlePostgres.mock() as unknown as Db, postgresTables);

  expect(postgres.size).toBeGreaterThan(45);
  expect([...postgres.keys()]).toEqual([...sqlite.keys()]);
  for (const [name, { text, values }] of postgres) {
    expect({ name, values }).toEqual({ name, values: sqlite.get(name)?.values });
    expect(text).not.toContain('?');
  }
});

test('ids sort by bytes on PostgreSQL in every locale of the cluster', () => {
  const migration = readFileSync(new URL('../../drizzle/postgres/0000_initial.sql', import.meta.url), 'utf8');

  expect(migration).toContain('"tenant_id" text COLLATE "C" NOT NULL');
  expect(migration).not.toMatch(/" text(?! COLLATE "C")/);
});

/** Builds all statements over a database that is never asked. */
function statementsOf(db: Db, tables: Tables): Map<string, { text: string; values: unknown[] }> {
  const statements = new Map<string, { text: string; values: unknown[] }>();
  const note = (name: string, build: Build<unknown>) => {
    const built = (build(db) as unknown as { toSQL(): { sql: string; params: unknown[] } }).toSQL();
    statements.set(name, { text: built.sql, values: built.params.map(nameOf) });
  };
  const unasked = async () => {
    throw new Error('not asked');
  };
  const reading: Database['rows'] = (name, build) => {
    note(name, build);
    return { all: unasked, first: unasked };
  };
  const database: Database = {
    tables,
    dialect: {
      kind: 'postgres',
      productVersion: sql<string>`version()`,
      now: sql<number>`now()`,
      labelIs: () => sql`true`,
      rowid: () => sql<number>`ctid`,
    },
    isShared: true,
    isEmpty: true,
    filePlace: undefined,
    rows: reading,
    volatile: reading,
    write(name, build) {
      note(name, build);
      const statement = { run: unasked, step: () => ({ statement, values: {}, rows: undefined }) };
      return statement;
    },
    select: unasked,
    commit: unasked,
    takeOver: async () => {},
    verify: async () => {},
    shredSoon: () => {},
    shred: unasked,
    close: unasked,
  };
  const keyring = createKeyring({ keks: { current: createKek(randomBytes(32)) }, deploymentId: 'd' });
  const keys = createTenantKeys({ database, keyring });
  prepareStores({
    database,
    keys,
    meta: createMeta(database),
    clock: { now: () => 0 },
    instance: { id: 'a1a1a1a1', copyTime: 0 },
  });
  return statements;
}

function nameOf(value: unknown): unknown {
  const inner = is(value, Param) ? value.value : value;
  return is(inner, Placeholder) ? `:${inner.name}` : inner;
}
