import type { KeyringMeter } from '../keyring/keyring.ts';
import type { Tracing } from '../telemetry/tracing_interface.ts';
import type { Database, StatementMeter } from './database_interface.ts';

export type StoreTracing = Pick<Tracing, 'span' | 'ended'>;

/** A span for each commit, from the request for it until it is durable, since commits of several calls share a transaction. */
export function traceCommits(database: Database, tracing: StoreTracing): Database {
  return { ...database, commit: (...steps) => tracing.span('database commit', () => database.commit(...steps)) };
}

/** A span for each seal and each opening of a sealed value. */
export function traceSeals(
  meter: (StatementMeter & KeyringMeter) | undefined,
  tracing: StoreTracing,
): StatementMeter & KeyringMeter {
  return {
    statement: (name, duration) => meter?.statement(name, duration),
    corrupt: (cause) => meter?.corrupt(cause),
    observe(operation, milliseconds) {
      meter?.observe(operation, milliseconds);
      tracing.ended(operation, milliseconds);
    },
  };
}
