import type { Connection } from '../model/connection.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { TokenAlert, TokenMetrics } from './token_metrics_interface.ts';

export type Alerts = ReturnType<typeof createAlerts>;

/** Reports to operators, by uid: callers choose names, which may be personal data. */
export function createAlerts({ metrics, log }: { readonly metrics: TokenMetrics; readonly log: Log }) {
  return {
    raise(topic: TokenAlert, connection: Connection, failure: Failure): void {
      const { appTenantId: tenantId, appId, appUid } = connection;
      metrics.alert(topic, { tenantId, appId });
      log.event('warn', 'token_alert', { topic, appUid, ...factsOf(connection, failure) });
    },
    /** Entra's answer changed the state of the connection, or of one of its resources. */
    stateChanged(after: Connection, failure: Failure, resource: string): void {
      const of = failure.subject === 'resource' ? { resource } : {};
      log.event('info', 'connection_state_changed', { state: after.grantState, ...of, ...factsOf(after, failure) });
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
