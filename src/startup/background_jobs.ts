import { type Scheduler, startScheduler } from '../background/scheduler.ts';
import type { Config } from '../config/config.ts';
import { readSinksFile, type SinksFile } from '../config/sinks_file.ts';
import { createInspectionJob } from '../credential_lifecycle/inspection/inspection_job.ts';
import { createRotationJob } from '../credential_lifecycle/rotation/rotation_job.ts';
import type { Rotations } from '../credential_lifecycle/rotation/rotations.ts';
import { createRotations } from '../credential_lifecycle/rotation/rotations.ts';
import type { AppRegistrations } from '../entra/app_registrations.ts';
import type { AuthorizationServer } from '../entra/authorization_server.ts';
import { type Deliveries, startDeliveries } from '../event_delivery/start_deliveries.ts';
import { createExpiryJobs } from '../expiry/expiry_jobs.ts';
import type { KeyEnd } from '../expiry/vault_expiries.ts';
import type { Changes } from '../model/changes.ts';
import type { Clock } from '../model/clock.ts';
import { newUid } from '../model/ids.ts';
import type { SecretSource } from '../model/secret_source.ts';
import type { Timers } from '../model/timers.ts';
import { knownDirectory } from '../registry/known_directory.ts';
import { rotationProblemText } from '../registry/rotation_problem_text.ts';
import type { Stores } from '../store/stores.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Shutdown } from './shutdown.ts';

/**
 * Periodic work of the vault: expiry events, rotation of client secrets, inspection of registrations, delivery of
 * events.
 */
export interface BackgroundJobs {
  readonly scheduler: Scheduler;
  readonly deliveries: Deliveries;
  readonly sinkIds: readonly string[];
  readonly rotations: Rotations;
}

export interface BackgroundJobsParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly stores: Stores;
  readonly authorizationServer: AuthorizationServer;
  readonly registrations: AppRegistrations;
  readonly secretSource: SecretSource;
  readonly changes: Changes;
  readonly apiKeys: readonly KeyEnd[];
  readonly every: Timers['every'];
  readonly metrics: Metrics;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}

const NO_SINKS: SinksFile = { sinks: [], warnings: [] };

export async function startBackgroundJobs(parts: BackgroundJobsParts): Promise<BackgroundJobs> {
  const { config, clock, stores, metrics, log, opened } = parts;

  const { sinks, warnings } = config.sinksFile === undefined ? NO_SINKS : readSinksFile(config.sinksFile);
  for (const message of warnings) log.event('warn', 'sinks_file_warning', { message });
  // A new sink gets a cursor first, so that it receives every event from now on.
  await Promise.all(sinks.map(({ id }) => stores.deliveries.cursor(id)));
  const replica = newUid();
  const deliveries = await opened(
    startDeliveries({ stores, clock, log, replica, sinks, metrics: metrics.sinks, source: config.publicUrl }),
  );
  const sinkIds = sinks.map(({ id }) => id);
  metrics.sinks.observe({ sinkIds, counts: () => stores.deliveries.counts() });

  const rotationParts = { ...parts, newUid, problemText: rotationProblemText };
  const rotations = createRotations(rotationParts);
  const inspectionParts = { ...rotationParts, rotations, knownDirectory: knownDirectory.bind(undefined, stores) };
  const { jobs, localJob, reportPublished } = createExpiryJobs({
    stores,
    clock,
    log,
    metrics: metrics.expiry,
    thresholds: config.expiryThresholds,
    tls: config.tls,
    apiKeys: parts.apiKeys,
  });
  const remoteJobs = [
    createInspectionJob({ ...inspectionParts, reportPublished }),
    createRotationJob({ ...rotationParts, reportPublished }),
  ];
  const { leases } = stores;
  const scheduler = await opened(
    startScheduler({ leases, every: parts.every, log, replica, jobs, remoteJobs, localJob }),
  );
  return { scheduler, deliveries, sinkIds, rotations };
}
