import { eq, getTableColumns, getTableName, is, type SQL, sql } from 'drizzle-orm';
import { type SQLiteColumn, SQLiteSyncDialect, SQLiteTable } from 'drizzle-orm/sqlite-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Db, placeholder, placeholders, type Values } from '../../src/store/database_interface.ts';
import { createBind } from '../../src/store/sqlite/bind_parameters.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import * as schema from '../../src/store/sqlite/schema.ts';
import { sqliteClientOf } from './sqlite_client.ts';

const TABLES: readonly SQLiteTable[] = Object.values(schema).filter((table) => is(table, SQLiteTable));

test.each(TABLES.map((table) => [getTableName(table), table] as const))(
  'a row of %s is stored exactly as drizzle stores it',
  async (name, table) => {
    const database = openSqlite({ path: ':memory:' });
    const client = await sqliteClientOf(database);
    client.pragma('foreign_keys = OFF');
    const columns = getTableColumns(table);
    const insert = (db: Db) => db.insert(table as never).values(placeholders(columns) as never);
    const ours = database.write('test', insert);
    const theirs = await database.select('test', (db) => {
      const prepared = insert(db).prepare('test') as unknown as { run(values: Values): void };
      return { prepare: () => ({ all: () => [prepared] }) } as never;
    });
    const typed = Object.values(columns).map((column) => `typeof("${column.name}") AS "${column.name} is"`);
    const taken = () => {
      const rows = client.prepare(`SELECT *, ${typed.join(', ')} FROM "${name}"`).all();
      client.exec(`DELETE FROM "${name}"`);
      return rows;
    };

    await fc.assert(
      fc.asyncProperty(rowOf(columns), async (row) => {
        expect(await ours.run(row)).toBe(1);
        const stored = taken();
        (theirs as unknown as [{ run(values: Values): void }])[0].run(row);
        expect(stored).toEqual(taken());
      }),
      { numRuns: 20 },
    );
    await database.close();
  },
);

function rowOf(columns: Readonly<Record<string, SQLiteColumn>>): fc.Arbitrary<Values> {
  const values = Object.entries(columns).map(([key, column]) => {
    const value = VALUES[column.dataType];
    if (value === undefined) throw new Error(`no values of ${column.dataType}, which ${column.name} has`);
    return [key, column.notNull ? value : fc.option(value)] as const;
  });
  return fc.record(Object.fromEntries(values));
}

const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.string({ unit: 'grapheme' }),
  number: fc.maxSafeInteger(),
  boolean: fc.boolean(),
  // Null in a column that must not be null would be no JSON.
  json: fc.jsonValue().filter((value) => value !== null),
  buffer: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
};

test('constants in a statement keep their positions among the parameters', () => {
  const { labels, version, tenantId } = schema.tenants;
  const bind = createBind(
    paramsOf(sql`${eq(version, 3)} ${placeholder(labels as never, 'labels')} ${eq(tenantId, 'acme')}
    ${sql.placeholder('limit')} ${placeholder(labels as never, 'labels')}`),
  );

  expect(bind({ limit: 10, labels: { a: 'b' } })).toEqual([3, '{"a":"b"}', 'acme', 10, '{"a":"b"}']);
  expect(bind({ limit: 5, labels: null })).toEqual([3, null, 'acme', 5, null]);
});

test('an error names a missing value', () => {
  const bind = createBind(
    paramsOf(sql`${placeholder(schema.tenants.version as never, 'version')} ${sql.placeholder('limit')}`),
  );

  expect(() => bind({ limit: 1 })).toThrow('No value for placeholder "version" was provided');
  expect(() => bind({ version: 1 })).toThrow('No value for placeholder "limit" was provided');
});

function paramsOf(query: SQL): unknown[] {
  return new SQLiteSyncDialect().sqlToQuery(query).params;
}
