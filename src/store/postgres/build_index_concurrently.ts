import type pg from 'pg';
import { HOUR } from '../../model/clock.ts';
import type { Migration } from '../read_migration_files.ts';
import { sqlState } from './postgres_errors.ts';
import { unusableServer } from './unusable_server_error.ts';

const CONCURRENT_INDEX = /^\s*CREATE (?:UNIQUE )?INDEX CONCURRENTLY "(\w+)"/;
/** Of `statement_timeout`, `lock_timeout` and `transaction_timeout`. */
const TIMED_OUT = new Set(['57014', '55P03', '25P04']);
/** Of the client: longer than any build. */
const NO_DEADLINE = 24 * HOUR;

/** An index that is built while other clients read and write its table. Such a build cannot run in a transaction. */
export interface ConcurrentIndex {
  readonly name: string;
  readonly statement: string;
}

export function concurrentIndex(statement: string): ConcurrentIndex | undefined {
  const name = CONCURRENT_INDEX.exec(statement)?.[1];
  return name === undefined ? undefined : { name, statement };
}

export function concurrentIndexes(migrations: readonly Migration[]): ConcurrentIndex[] {
  return migrations.flatMap(({ statements }) => statements.flatMap((statement) => concurrentIndex(statement) ?? []));
}

export async function indexState(client: pg.ClientBase, index: string): Promise<'valid' | 'invalid' | 'missing'> {
  const { rows } = await client.query<{ valid: boolean }>(
    'SELECT indisvalid AS valid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass($1)',
    [`"${index}"`],
  );
  if (rows[0] === undefined) return 'missing';
  return rows[0].valid ? 'valid' : 'invalid';
}

/** Builds an index unless it is valid. DATABASE_UNAVAILABLE if the connection leads through a pooler and the build takes too long. */
export async function buildIndex(client: pg.Client, { name, statement }: ConcurrentIndex): Promise<void> {
  const state = await indexState(client, name);
  if (state === 'valid') return;
  const isUnlimited = await liftLimits(client);
  try {
    // A build that was interrupted leaves an invalid index, which costs time and is never used. A plain DROP would block the table.
    if (state === 'invalid') await run(client, `DROP INDEX CONCURRENTLY "${name}"`);
    await run(client, statement);
  } catch (error) {
    if (isUnlimited || !TIMED_OUT.has(sqlState(error) ?? '')) throw error;
    throw unusableServer(
      'not_migrated',
      `needs the index ${name}, whose build takes longer than the timeouts of the role. They cannot be lifted through a pooler: run \`token-vault database migrate\` with the server itself in TOKENVAULT_DATABASE_URL`,
      error,
    );
  }
}

function run(client: pg.Client, text: string) {
  return client.query({ text, query_timeout: NO_DEADLINE } as pg.QueryConfig);
}

/**
 * Lifts the role's timeouts for the session: a build reads the whole table, and waits for every transaction that is
 * older, such as a backup's. It blocks nobody meanwhile. Not through a pooler in transaction mode, which would run the
 * build in another session and lend the unlimited one to other clients.
 */
async function liftLimits(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ process: number }>('SELECT pg_backend_pid() AS process');
  // A pooler sends process ids of its own.
  if (rows[0]?.process !== (client as pg.Client & { readonly processID: number }).processID) return false;
  // Not with SET, because PostgreSQL 15 and 16 have no transaction_timeout.
  await client.query(
    `SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout')`,
  );
  return true;
}
