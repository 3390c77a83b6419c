import { createPurgeJob } from '../background/purge_expired_rows.ts';
import { startScheduler } from '../background/scheduler.ts';
import type { Config } from '../config/config_interface.ts';
import { createInspectionJob } from '../credential_lifecycle/inspection/app_inspection_job.ts';
import { createRotationJob } from '../credential_lifecycle/rotation/credential_rotation_job.ts';

import { createRotations } from '../credential_lifecycle/rotation/start_rotations.ts';
import { startDeliveries } from '../event_delivery/start_event_delivery.ts';

import { createExpiryJobs } from '../expiry/expiry_reminder_jobs.ts';
import type { ApiKeyExpiry } from '../expiry/vault_certificate_and_key_reminders.ts';
import { startResealing } from '../key_rotation/reseal_values.ts';
import { startRewrapping } from '../key_rotation/rewrap_data_keys.ts';
import type { Clock } from '../model/clock.ts';
import type { Sink } from '../model/event_sink.ts';
import { newUid } from '../model/id_patterns.ts';
import type { Timers } from '../model/monotonic_timers.ts';
import type { Changes } from '../model/resource_change_announcements.ts';
import { knownDirectory } from '../registry/find_app_token_directory.ts';
import { rotationProblemText } from '../registry/rotation_problem_text.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { MicrosoftClients } from './microsoft_clients.ts';
import type { Shutdown } from './shutdown.ts';

interface BackgroundJobsParts extends MicrosoftClients {
  readonly config: Config;
  /** As configured now. */
  readonly sinks: () => readonly Sink[];
  readonly clock: Clock;
  readonly stores: Stores;
  readonly changes: Changes;
  /** Uid of this process: the holder of its leases. */
  readonly replica: string;
  readonly apiKeys: () => readonly ApiKeyExpiry[];
  readonly every: Timers['every'];
  readonly metrics: Metrics;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}

/** Starts the periodic work: delivery of events, expiry events, and rotation and inspection of client secrets. */
export async function startBackgroundJobs(parts: BackgroundJobsParts) {
  const { config, sinks, clock, stores, replica, metrics, log, opened } = parts;

  // A new sink gets a cursor first, so that it receives every event from now on.
  await Promise.all(sinks().map(({ id }) => stores.deliveries.cursor(id)));
  const deliveries = await opened(
    startDeliveries({ stores, clock, log, replica, sinks, metrics: metrics.sinks, source: config.publicUrl }),
  );
  const sinkIds = () => sinks().map(({ id }) => id);
  metrics.sinks.observe({ sinkIds, counts: () => stores.deliveries.counts() });

  const rewrapping = await opened(startRewrapping({ ...parts, metrics: metrics.keyRotation.ofRootKey }));
  const resealing = await opened(startResealing({ ...parts, metrics: metrics.keyRotation.ofTenantKeys }));

  const rotationParts = { ...parts, newUid, problemText: rotationProblemText };
  const rotations = createRotations(rotationParts);
  const inspectionParts = { ...rotationParts, rotations, knownDirectory: knownDirectory.bind(undefined, stores) };
  const expiry = createExpiryJobs({
    stores,
    clock,
    log,
    metrics: metrics.expiry,
    thresholds: config.expiryThresholds,
    tls: config.tls,
    apiKeys: parts.apiKeys,
  });
  const { localJob, reportPublished } = expiry;
  const jobs = [...expiry.jobs, createPurgeJob({ stores, clock })];
  const remoteJobs = [
    createInspectionJob({ ...inspectionParts, reportPublished }),
    createRotationJob({ ...rotationParts, reportPublished }),
  ];
  const schedulerParts = { leases: stores.leases, every: parts.every, log, replica, jobs, remoteJobs, localJob };
  const scheduler = await opened(startScheduler(schedulerParts));
  return { scheduler, deliveries, sinkIds, rotations, rewrapping, resealing };
}

export type BackgroundJobs = Awaited<ReturnType<typeof startBackgroundJobs>>;
