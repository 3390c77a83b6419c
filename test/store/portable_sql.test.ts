import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { forbiddenIn } from './forbidden_sql.ts';
import { preparedStatements } from './prepared_statements.ts';

const folder = fileURLToPath(new URL('../../src/store/postgres', import.meta.url));

/** Steps of a commit, which is sent in one round trip. They lock rows as its updates do. */
const LOCKS_IN_COMMITS = /^\w+\.(has|lock)SealVersion: a row lock of a SELECT/;

test('prepared statements use nothing that other databases and poolers lack', async () => {
  const statements = preparedStatements('postgres');
  expect(statements.size).toBeGreaterThan(100);
  const faults = await faultsOf([...statements].map(([name, { sql }]) => [name, sql]));
  expect(faults.filter((fault) => !LOCKS_IN_COMMITS.test(fault))).toEqual([]);
});

test('neither do the migrations, nor the statements in the code of the driver', async () => {
  const migrations = readMigrations('postgres').flatMap(({ statements }) => statements);
  const written = globSync('*.ts', { cwd: folder }).flatMap((file) =>
    statementsIn(readFileSync(`${folder}/${file}`, 'utf8')),
  );
  expect(written).toContain('BEGIN; SET LOCAL synchronous_commit = off');

  expect(await faultsOf([...migrations, ...written].map((text) => [text.slice(0, 60), text]))).toEqual([]);
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

async function faultsOf(statements: readonly (readonly [name: string, text: string])[]): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, text] of statements) for (const fault of await forbiddenIn(text)) faults.push(`${name}: ${fault}`);
  return faults;
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
