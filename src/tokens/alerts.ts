import type { Connection } from '../model/connection.ts';
import type { Failure } from '../model/exchange.ts';
import type { Log } from '../telemetry/log.ts';
import type { TokenAlert, TokenMetrics } from './token_metrics.ts';

/** Tells people, by uid: names are chosen by products and may be anything. */
export interface Alerts {
  raise(topic: TokenAlert, connection: Connection, failure: Failure): void;
  /** An answer of Entra changed the state of the connection, or of one resource of it. */
  marked(after: Connection, failure: Failure, resource: string): void;
}

export function createAlerts({ metrics, log }: { readonly metrics: TokenMetrics; readonly log: Log }): Alerts {
  return {
    raise(topic, connection, failure) {
      metrics.alert(topic);
      log.event('warn', 'token_alert', { topic, appUid: connection.appUid, ...factsOf(connection, failure) });
    },
    marked(after, failure, resource) {
      const of = failure.subject === 'resource' ? { resource } : {};
      log.event('info', 'connection_marked', { state: after.grantState, ...of, ...factsOf(after, failure) });
    },
  };
}

function factsOf(connection: Connection, failure: Failure) {
  return {
    connectionUid: connection.uid,
    reason: failure.reason,
    entraError: failure.entraError ?? '',
    correlationId: failure.correlationId ?? '',
  };
}
