import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyring } from '../../src/keyring/keyring.ts';
import { prepareStores } from '../../src/store/create_stores.ts';
import type { Build, Database } from '../../src/store/database_interface.ts';
import { createPostgresDatabase } from '../../src/store/postgres/postgres_database.ts';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { createTenantKeys } from '../../src/store/rows/tenant_data_keys.ts';
import { createMeta } from '../../src/store/vault/vault_metadata_store.ts';
import { forbiddenIn } from './forbidden_sql.ts';

const folder = fileURLToPath(new URL('../../src/store/postgres', import.meta.url));

test('prepared statements use nothing that other databases and poolers lack', async () => {
  const statements = preparedStatements();
  expect(statements.size).toBeGreaterThan(100);
  expect(await faultsOf(statements)).toEqual([]);
});

test('neither do the migrations, nor the statements in the code of the driver', async () => {
  const migrations = readMigrations('postgres').flatMap(({ statements }) => statements);
  const written = globSync('*.ts', { cwd: folder }).flatMap((file) =>
    statementsIn(readFileSync(`${folder}/${file}`, 'utf8')),
  );
  expect(written).toContain('BEGIN; SET LOCAL synchronous_commit = off');

  expect(await faultsOf(new Map([...migrations, ...written].map((text) => [text.slice(0, 60), text])))).toEqual([]);
});

test.each([
  ['SELECT ctid FROM apps', 'the system column ctid'],
  ['SELECT pg_snapshot_xmin(pg_current_snapshot())', 'the function pg_snapshot_xmin'],
  ['SELECT uid FROM apps FOR UPDATE', 'a row lock of a SELECT, which must not outlive a round trip'],
  ["SET lock_timeout = '2s'", 'SET without LOCAL, which needs a session'],
  ["SELECT nextval('positions')", 'the function nextval'],
  ["DO $$ BEGIN RAISE NOTICE 'x'; END $$", 'PL/pgSQL'],
  ['CREATE TRIGGER t BEFORE INSERT ON apps EXECUTE FUNCTION f()', 'a trigger'],
])('%s is found', async (text, fault) => {
  expect(await forbiddenIn(text)).toContain(fault);
});

async function faultsOf(statements: ReadonlyMap<string, string>): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, text] of statements) for (const fault of await forbiddenIn(text)) faults.push(`${name}: ${fault}`);
  return faults;
}

/** By name, as the PostgreSQL driver sends them. */
function preparedStatements(): Map<string, string> {
  const statements = new Map<string, string>();
  const unused = async () => {
    throw new Error('no statement runs here');
  };
  const connections = { use: unused, connect: unused, close: unused };
  const postgres = createPostgresDatabase({ connections, namedStatements: true, meter: undefined });
  const noted = <Arguments extends [string, Build<never>, ...unknown[]], Result>(
    prepare: (...given: Arguments) => Result,
  ) => {
    return (...given: Arguments): Result => {
      const [name, build] = given;
      postgres.write(name, (db) => {
        const query = build(db) as unknown as { toSQL(): { sql: string } };
        statements.set(name, query.toSQL().sql);
        return query as never;
      });
      return prepare(...given);
    };
  };
  const database = {
    ...postgres,
    rows: noted(postgres.rows as never),
    volatile: noted(postgres.volatile as never),
    write: noted(postgres.write as never),
  } as unknown as Database;
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

/** Literals of the source that are SQL. What is inserted into them is a number or a name. */
function statementsIn(source: string): string[] {
  const literals =
    source.match(/(['"`])(?:BEGIN|SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|COMMIT|ROLLBACK)\b(?:(?!\1)[^\\]|\\.)*\1/g) ??
    [];
  return literals.map((literal) =>
    literal
      .slice(1, -1)
      .replaceAll(/"\$\{\w+\}"/g, '"name"')
      .replaceAll(/(SCHEMA|TO) \$\{\w+\}/g, '$1 name')
      .replaceAll(/\$\{[^}]*\}/g, '1'),
  );
}
