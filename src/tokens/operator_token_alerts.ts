import { appName, type Connection } from '../model/connection.ts';
import { tenantName } from '../model/tenant.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { TokenAlert, TokenMetrics } from './token_metrics_interface.ts';

export type Alerts = ReturnType<typeof createAlerts>;

/** Reports to operators. Products choose the names of connections, which may be personal data, so these are reported by uid. */
export function createAlerts({ metrics, log }: { readonly metrics: TokenMetrics; readonly log: Log }) {
  return {
    raise(topic: TokenAlert, connection: Connection, failure: Failure): void {
      const { appTenantId: tenantId, appId } = connection;
      metrics.alert(topic, { tenantId, appId });
      log.event('warn', 'token_alert', { topic, ...factsOf(connection, failure) });
    },
    /** Entra's answer changed the state of the connection, or of one of its resources. */
    stateChanged(after: Connection, failure: Failure, resource: string): void {
      const of = failure.subject === 'resource' ? { resource } : {};
      log.event('info', 'connection_state_changed', { state: after.grantState, ...of, ...factsOf(after, failure) });
    },
  };
}

function factsOf(connection: Connection, failure: Failure) {
  const { uid: connectionUid, tenantId, appUid, appTenantId, appId } = connection;
  return {
    tenant: tenantName(tenantId),
    app: appName({ tenantId: appTenantId, appId }),
    appUid,
    connectionUid,
    reason: failure.reason,
    entraError: failure.entraError ?? '',
    correlationId: failure.correlationId ?? '',
  };
}
