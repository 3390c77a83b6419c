import { readFileSync } from 'node:fs';
import { is, Param, Placeholder } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { preparedStatements } from './prepared_statements.ts';

test('every prepared statement can be built for both dialects, with the same values', () => {
  const sqlite = preparedStatements('sqlite');
  const postgres = preparedStatements('postgres');

  expect([...postgres.keys()]).toEqual([...sqlite.keys()]);
  for (const [name, { sql, params }] of postgres) {
    expect({ name, values: params.map(nameOf) }).toEqual({ name, values: sqlite.get(name)?.params.map(nameOf) });
    expect(sql).not.toContain('?');
  }
});

test('ids sort by bytes on PostgreSQL in every locale of the cluster', () => {
  const migration = readFileSync(new URL('../../drizzle/postgres/0000_initial.sql', import.meta.url), 'utf8');

  expect(migration).toContain('"tenant_id" text COLLATE "C" NOT NULL');
  expect(migration).not.toMatch(/" text(?! COLLATE "C")/);
});

function nameOf(value: unknown): unknown {
  const inner = is(value, Param) ? value.value : value;
  return is(inner, Placeholder) ? `:${inner.name}` : inner;
}
