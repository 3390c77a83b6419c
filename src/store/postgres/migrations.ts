import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { MINUTE, SECOND } from '../../model/clock.ts';
import type { Migration } from '../read_migration_files.ts';
import { buildIndex, concurrentIndex, concurrentIndexes, indexState } from './build_index_concurrently.ts';
import { sqlState } from './postgres_errors.ts';
import { unusableServer } from './unusable_server_error.ts';

/**
 * The oldest migration that a program must know to run on the schema of a migration, where it is not the migration
 * itself: the migration only adds, so that older programs keep working while replicas are upgraded one after the other.
 */
const OLDEST_PROGRAM: Readonly<Record<number, number>> = {
  // 0007_idle_expiry: 0006_replicas
  1795992355218: 1795980422191,
  // 0008_containments: 0006_replicas
  1796003201540: 1795980422191,
  // 0009_registration_reading: 0006_replicas
  1796038456508: 1795980422191,
  // 0010_branding: 0006_replicas
  1796041380746: 1795980422191,
  // 0011_client_capabilities: 0006_replicas
  1796043834260: 1795980422191,
  // 0012_failing_apps: 0006_replicas
  1796062603780: 1795980422191,
};

/** Of `pg_try_advisory_xact_lock`: any fixed number that other programs on the server do not use. */
const LOCK = 8_427_190_313;
const LOCK_NOT_AVAILABLE = '55P03';
const MAX_WAIT = 10 * MINUTE;

/** Whether migrations are missing. Throws DATABASE_UNAVAILABLE if this program is too old for the schema. */
export async function isBehind(client: pg.ClientBase, migrations: readonly Migration[]): Promise<boolean> {
  const applied = await appliedMigrations(client);
  const newest = migrations.at(-1)?.time ?? 0;
  if (applied.some(({ time, oldestProgram }) => time > newest && oldestProgram > newest)) {
    throw unusableServer(
      'newer_schema',
      'was migrated by a newer version of this program, which it requires. Install that version',
    );
  }
  const known = new Set(applied.map(({ time }) => time));
  if (migrations.some(({ time }) => !known.has(time))) return true;
  for (const index of concurrentIndexes(migrations))
    if ((await indexState(client, index.name)) !== 'valid') return true;
  return false;
}

/**
 * Applies missing migrations, one transaction each. Of several replicas that start at once, one works and the others
 * wait. Tables are locked for at most two seconds at a time, and indexes are built without a lock, so that replicas of
 * the previous version keep working.
 */
export async function migratePostgres(
  connect: () => Promise<pg.Client>,
  migrations: readonly Migration[],
): Promise<void> {
  const guard = await connect();
  const worker = await connect();
  try {
    await acquire(guard);
    await worker.query(
      'CREATE TABLE IF NOT EXISTS migrations (created_at bigint PRIMARY KEY, hash text NOT NULL, oldest_program bigint NOT NULL)',
    );
    const applied = new Set((await appliedMigrations(worker)).map(({ time }) => time));
    for (const migration of migrations) if (!applied.has(migration.time)) await applyPatiently(worker, migration);
    for (const index of concurrentIndexes(migrations)) await buildIndex(worker, index);
    await guard.query('COMMIT');
  } finally {
    await Promise.all([guard.end(), worker.end()]);
  }
}

/** Waits outside of a transaction: behind a pooler, a replica that waits must not hold the connection that another one works on. */
async function acquire(guard: pg.Client): Promise<void> {
  const deadline = performance.now() + MAX_WAIT;
  for (;;) {
    // The guard's transaction lasts as long as all migrations. PostgreSQL 15 and 16 have no transaction_timeout.
    await guard.query(
      `BEGIN; SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`,
    );
    const { rows } = await guard.query<{ acquired: boolean }>(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS acquired`);
    if (rows[0]?.acquired) return;
    await guard.query('ROLLBACK');
    if (performance.now() > deadline) {
      throw unusableServer('not_migrated', 'is being migrated by another process for too long. Check that process');
    }
    await setTimeout(200 * (0.5 + Math.random()));
  }
}

async function appliedMigrations(client: pg.ClientBase): Promise<{ time: number; oldestProgram: number }[]> {
  const { rows: found } = await client.query(
    "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'migrations'",
  );
  if (found.length === 0) return [];
  const { rows } = await client.query('SELECT created_at AS time, oldest_program AS "oldestProgram" FROM migrations');
  return rows;
}

/** Waiting for the lock of a table would make all later statements on it wait too. So it gives up soon, and tries again. */
async function applyPatiently(client: pg.Client, migration: Migration): Promise<void> {
  const deadline = performance.now() + MAX_WAIT;
  for (;;) {
    try {
      await apply(client, migration);
      return;
    } catch (error) {
      await client.query('ROLLBACK');
      if (sqlState(error) !== LOCK_NOT_AVAILABLE || performance.now() > deadline) throw error;
    }
    await setTimeout(SECOND * (0.5 + Math.random()));
  }
}

async function apply(client: pg.Client, { time, hash, statements }: Migration): Promise<void> {
  await client.query("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'");
  for (const statement of statements) if (concurrentIndex(statement) === undefined) await client.query(statement);
  await client.query('INSERT INTO migrations (created_at, hash, oldest_program) VALUES ($1, $2, $3)', [
    time,
    hash,
    OLDEST_PROGRAM[time] ?? time,
  ]);
  await client.query('COMMIT');
}
