import { type ClientTrustReload, startClientTrustReload } from '../config/client_trust_reload.ts';
import type { Config } from '../config/config_interface.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { Shutdown } from './shutdown.ts';

/** The CAs of client certificates. Undefined: none are configured. FIELD_INVALID if one of their files is not usable. */
export async function openClientTrust({
  tls,
  every,
  metrics,
  log,
  opened,
}: Pick<Config, 'tls'> & {
  readonly every: Every;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}): Promise<ClientTrustReload | undefined> {
  if (tls === undefined || tls.clientCaFiles.length === 0) {
    metrics.observeClientCas({ isRejected: () => false });
    return undefined;
  }
  const reload = await opened(
    startClientTrustReload(tls.clientCaFiles, {
      every,
      onLoaded: ({ namespace }, cas) => log.event('info', 'client_ca_loaded', { namespace, certificates: cas.length }),
      onRejected: ({ namespace }, message) => log.event('error', 'client_ca_rejected', { namespace, message }),
    }),
  );
  metrics.observeClientCas({ isRejected: () => reload.fault !== undefined });
  return reload;
}
