import { getTableColumns, getTableName, is, Table } from 'drizzle-orm';
import { expect, test } from 'vitest';
import * as postgres from '../../src/store/postgres/schema.ts';
import { SEALED_COLUMNS, UNSEALED_COLUMNS } from '../../src/store/rows/sealed_columns.ts';
import { sealedTables } from '../../src/store/rows/sealed_tables.ts';
import * as sqlite from '../../src/store/sqlite/schema.ts';
import type { Tables } from '../../src/store/table_definitions.ts';
import { sourceFiles } from './import_graph.ts';

test.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
])('every column of bytes on %s is sealed, or has a reason why not', (_, schema) => {
  const stored = Object.entries(schema as Record<string, unknown>).flatMap(([name, table]) =>
    is(table, Table)
      ? Object.entries(getTableColumns(table))
          .filter(([, column]) => ['blob', 'bytea'].includes(column.getSQLType()))
          .map(([column]) => `${name}.${column}`)
      : [],
  );
  const sealed = Object.entries(SEALED_COLUMNS).flatMap(([table, columns]) =>
    Object.keys(columns).map((column) => `${table}.${column}`),
  );

  expect(stored.sort()).toEqual([...sealed, ...Object.keys(UNSEALED_COLUMNS)].sort());
});

test.each([
  ['SQLite', sqlite as unknown as Tables],
  ['PostgreSQL', postgres],
])('resealing and the verification of backups read every sealed column on %s', (_, tables) => {
  const read = sealedTables(tables).flatMap(({ table, places }) =>
    Object.keys(places).map((column) => `${getTableName(table)}.${column}`),
  );
  const sealed = Object.entries(SEALED_COLUMNS).flatMap(([name, columns]) =>
    Object.keys(columns).map((column) => `${getTableName(tables[name as keyof Tables])}.${column}`),
  );

  expect(read.sort()).toEqual(sealed.sort());
});

test('the places of sealed values are made in one list, and those of `meta` beside the canary', () => {
  const makers = sourceFiles().filter(({ text }) => /\brecordUid:/.test(text));

  expect(makers.map(({ path }) => path).sort()).toEqual([
    'keyring/database_key_canary.ts',
    'keyring/row_mac.ts',
    'keyring/sealed_record.ts',
    'store/rows/row_macs.ts',
    'store/rows/sealed_columns.ts',
  ]);
});
