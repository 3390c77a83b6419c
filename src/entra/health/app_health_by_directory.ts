import { createBoundedCache } from '../../model/bounded_cache.ts';
import { homeDirectory } from '../../model/entra_app.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import type { AppStateRecorder, AppStateRecorderParts } from './app_state_recorder.ts';
import type { HealthProbes } from './background_health_probes.ts';
import type { Cooldown } from './cooldown_with_trials.ts';
import type { CredentialChoice } from './credential_choice.ts';
import { type EvidenceContext, requesterOf } from './refusal_evidence_weight.ts';
import { createDirectoryHealth, type DirectoryHealth } from './weigh_refusals_of_app_in_directory.ts';

export interface DirectoryHealthMapParts
  extends Pick<AppStateRecorderParts, 'app' | 'clock' | 'metrics' | 'appStateStore'> {
  readonly recorder: AppStateRecorder;
  readonly credentials: CredentialChoice;
  readonly probes: HealthProbes;
  /** The app got a token somewhere lately, so its registration is valid. */
  readonly worksElsewhere: () => boolean;
  readonly onProbeGranted: (directoryId: string, resource: string, order: number) => Promise<void>;
}

const MAX_DIRECTORIES = 10_000;

/** The health of an app in each directory, and at each resource there. */
export function createDirectoryHealthMap(parts: DirectoryHealthMapParts) {
  const { app, clock, metrics, appStateStore, recorder, credentials, probes } = parts;
  const directories = createBoundedCache<string, DirectoryHealth>(MAX_DIRECTORIES);
  /** By failing directory: the key of the cooldown that marked it. */
  const marks = createBoundedCache<string, string>(MAX_DIRECTORIES);

  function healthOf(directoryId: string, resource?: string): DirectoryHealth {
    const key = keyOf(directoryId, resource);
    const found = directories.get(key);
    if (found !== undefined) return found;
    const created = createDirectoryHealth({
      clock,
      isShared: app.sharedWith.length > 0,
      wasGrantedSince: (time, except) => appStateStore.wasGrantedSince(app.uid, directoryId, time, except),
    });
    directories.set(key, created);
    return created;
  }

  async function mark(directoryId: string, resource: string | undefined, failure: Failure): Promise<void> {
    metrics.cooldownStarted(failure.subject, failure.reason);
    marks.set(directoryId, keyOf(directoryId, resource));
    await recorder.markDirectory(directoryId, failure);
    // The failure of the only directory is the app's. Of several, two must fail and none be known to work.
    const isOfApp = homeDirectory(app) === directoryId || recorder.hasOtherFailingDirectory(directoryId);
    if (failure.subject !== 'directory' || !isOfApp || parts.worksElsewhere()) {
      metrics.failsInDirectory(app, failure.reason);
      return;
    }
    await recorder.markApp('MISCONFIGURED', { ...failure, reason: 'APP_MISCONFIGURED' });
  }

  async function clearMark(directoryId: string): Promise<void> {
    const key = marks.get(directoryId);
    if (key !== undefined && directories.get(key)?.cooldown !== undefined) return;
    marks.delete(directoryId);
    await recorder.clearDirectory(directoryId);
  }

  return {
    /** Records that a tenant uses the app there, whatever the response. */
    noteTenant(directoryId: string, resource: string, tenantUid: string) {
      healthOf(directoryId).noteTenant(tenantUid);
      healthOf(directoryId, resource).noteTenant(tenantUid);
    },
    /** `resource` undefined: the directory as a whole. */
    cooldownOf: (directoryId: string | undefined, resource?: string): Cooldown | undefined =>
      directoryId === undefined ? undefined : directories.get(keyOf(directoryId, resource))?.cooldown,
    async granted(directoryId: string, request: EvidenceContext, order: number) {
      healthOf(directoryId).granted(directoryRequest(request, order));
      healthOf(directoryId, request.resource).granted(directoryRequest(request, order));
      await clearMark(directoryId);
    },
    async refused(request: EvidenceContext, failure: Failure, known: boolean, order: number) {
      const { directoryId, weight, isRetry, resource } = request;
      if (directoryId === undefined || weight !== 'FULL' || isRetry) return;
      const atResource = failure.subject === 'resource_in_directory' ? resource : undefined;
      const health = healthOf(directoryId, atResource);
      const hadCooldown = health.cooldown !== undefined;
      const verdict = await health.refused(directoryRequest(request, order), failure, known);
      if (verdict === 'COOLDOWN' && !hadCooldown) await mark(directoryId, atResource, failure);
      if (verdict !== 'UNPROVED') return;
      const key = `${app.uid} ${keyOf(directoryId, atResource)}`;
      probes.send({ key, app, credentials, directoryId, resource }, async ({ meaning, order: probeOrder }) => {
        if (meaning === undefined) return parts.onProbeGranted(directoryId, resource, probeOrder);
        if (meaning.failure.subject !== failure.subject || !meaning.known) return;
        healthOf(directoryId, atResource).confirm(failure, probeOrder);
        await mark(directoryId, atResource, failure);
      });
    },
    /** A probe got a token there; `resource`: undefined for Graph. */
    async probeGranted(directoryId: string, resource: string | undefined, order: number) {
      const probe = { requester: `probe ${order}`, tenantUid: app.tenantUid, order };
      healthOf(directoryId).granted(probe);
      if (resource !== undefined) healthOf(directoryId, resource).granted(probe);
      await clearMark(directoryId);
    },
  };
}

function directoryRequest(request: EvidenceContext, order: number) {
  return { requester: requesterOf(request, order), tenantUid: request.tenantUid, order };
}

function keyOf(directoryId: string, resource = ''): string {
  return `${directoryId} ${resource}`;
}
