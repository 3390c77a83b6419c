import type { PoolClient } from 'pg';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { PostgresConnections } from './postgres_connections.ts';
import { isConnectionFault, isRepeatable } from './postgres_errors.ts';

const MAX_ATTEMPTS = 3;
/** Less than the deadline of a statement, so that a server that hangs costs one deadline. */
const LONGEST_REPETITION: Duration = 5 * SECOND;

/** Runs a statement that may run twice: again if the connection was lost, or the server rolled it back for another one. */
export async function runRepeatable<Result>(
  connections: PostgresConnections,
  run: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const giveUpTime = performance.now() + LONGEST_REPETITION;
  for (let attempt = 1; ; attempt++) {
    try {
      return await connections.use(run);
    } catch (error) {
      const isLast = attempt >= MAX_ATTEMPTS || performance.now() >= giveUpTime;
      if (isLast || !(isConnectionFault(error) || isRepeatable(error))) throw error;
    }
  }
}
