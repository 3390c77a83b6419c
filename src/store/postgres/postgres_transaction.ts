import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { PostgresConnections } from './postgres_connections.ts';
import { causeOf, fromConnection, isConnectionFault, isRepeatable, StepError, sqlState } from './postgres_errors.ts';
import { inOneWrite } from './send_in_one_write.ts';

/** A statement of a transaction. */
export interface PostgresStep {
  readonly name: string | undefined;
  readonly text: string;
  readonly values: readonly unknown[];
  /** The number of rows that it must change. */
  readonly rows: number | undefined;
}

export type TransactionResult =
  | { readonly kind: 'committed'; readonly changed: readonly number[] }
  | { readonly kind: 'refused'; readonly index: number };

const MAX_ATTEMPTS = 5;
/** After that, a transaction is not repeated whose COMMIT was not sent. */
const REPEATED_FOR: Duration = 5 * SECOND;
/** After that, neither is one whose COMMIT was sent. Longer than the server keeps an attempt open whose client is gone (idle_in_transaction_session_timeout). */
const LONGEST_REPETITION: Duration = 15 * SECOND;
const FIRST_PAUSE: Duration = 20;
const LONGEST_PAUSE: Duration = 500;

/**
 * Runs the steps in one transaction, exactly once. It is repeated after a deadlock, a serialization failure or a lost
 * connection. Its first statement inserts a random id: if the connection was lost during COMMIT, the repetition waits
 * for that transaction and conflicts with it if it took effect. Such an unknown outcome is looked for as long as possible.
 */
export async function transact(
  connections: PostgresConnections,
  steps: readonly PostgresStep[],
): Promise<TransactionResult> {
  const commitId = randomBytes(16).toString('hex');
  const start = performance.now();
  /** Of the last attempt whose COMMIT was sent. */
  let sent: TransactionResult | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      return await connections.use(async (client) => {
        const ran = await run(client, commitId, steps);
        if (ran.kind === 'refused') return ran;
        sent = ran;
        await client.query('COMMIT');
        return ran;
      });
    } catch (error) {
      if (sent !== undefined && isOwnCommit(error)) return sent;
      const elapsed = performance.now() - start;
      const isLast =
        sent === undefined ? attempt >= MAX_ATTEMPTS || elapsed >= REPEATED_FOR : elapsed >= LONGEST_REPETITION;
      if (isLast || !(isRepeatable(error) || isConnectionFault(error) || isEarlierAttemptOpen(error))) throw error;
    }
    await setTimeout(pauseAfter(attempt));
  }
}

/** The commit id of an earlier attempt is stored, so that attempt took effect. */
function isOwnCommit(error: unknown): boolean {
  return sqlState(error) === '23505' && (causeOf(error) as pg.DatabaseError).table === 'commits';
}

/** The server has not noticed yet that the connection of an earlier attempt is lost. */
function isEarlierAttemptOpen(error: unknown): boolean {
  return sqlState(error) === '55P03' && !(error instanceof StepError);
}

async function run(
  client: pg.PoolClient,
  commitId: string,
  steps: readonly PostgresStep[],
): Promise<TransactionResult> {
  // Before the steps are sent: without a transaction, each of them would be committed by itself.
  await client.query(
    `BEGIN; INSERT INTO commits (commit_id, time) VALUES ('${commitId}', extract(epoch FROM clock_timestamp()) * 1000)`,
  );
  // The connection is pipelined: all steps are sent at once, and their results arrive in order.
  const sent = inOneWrite(client, () =>
    steps.map(({ name, text, values }) => client.query({ ...(name && { name }), text, values: [...values] })),
  );
  const results = await Promise.allSettled(sent);
  const changed: number[] = [];
  try {
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') throw new StepError(index, result.reason);
      const rows = result.value.rowCount ?? 0;
      if (steps[index]?.rows !== undefined && rows !== steps[index].rows) {
        await client.query('ROLLBACK');
        return { kind: 'refused', index };
      }
      changed.push(rows);
    }
    return { kind: 'committed', changed };
  } catch (error) {
    if (!isConnectionFault(fromConnection(error))) await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

function pauseAfter(attempt: number): Duration {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt) * (0.5 + Math.random() / 2);
}
