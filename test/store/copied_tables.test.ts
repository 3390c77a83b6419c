import { getTableName } from 'drizzle-orm';
import { getTableConfig } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import { COPIED_TABLES, createTableReader } from '../../src/store/copy/copied_tables.ts';
import type { Database } from '../../src/store/database_interface.ts';
import { postgresColumns } from '../../src/store/postgres/column_types.ts';
import { defineTables } from '../../src/store/table_definitions.ts';

const tables = defineTables(postgresColumns);

test('a copy reads each table in the order of its primary key', () => {
  for (const name of COPIED_TABLES) {
    const { columns, primaryKeys } = getTableConfig(tables[name]);
    const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
    const values = Object.fromEntries(
      Object.entries(tables[name]).map(([property, column]) => [property, (column as { name?: string }).name]),
    );
    const { keyOf } = createTableReader({ tables } as unknown as Database, name);
    expect(keyOf(values), name).toBe(key.map((column) => column.name).join('/'));
  }
});

test('a copy writes parents before children', () => {
  const order = COPIED_TABLES.map((name) => getTableName(tables[name]));
  for (const [at, name] of COPIED_TABLES.entries()) {
    for (const { reference } of getTableConfig(tables[name]).foreignKeys) {
      expect(order.slice(0, at), name).toContain(getTableName(reference().foreignTable));
    }
  }
});
