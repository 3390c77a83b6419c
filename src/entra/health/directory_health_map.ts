import { homeDirectory } from '../../model/app.ts';
import type { Failure } from '../../model/exchange.ts';
import { createBoundedMap } from '../bounded_map.ts';
import type { AppStateRecorder, AppStateRecorderParts } from './app_state_recorder.ts';
import type { Cooldown } from './cooldown.ts';
import type { CredentialChoice } from './credential_choice.ts';
import { createDirectoryHealth, type DirectoryHealth } from './directory_health.ts';
import type { HealthProbes } from './health_probes.ts';
import { type EvidenceContext, requesterOf } from './requester.ts';

/** The health of an app in each directory, and at each resource there. */
export interface DirectoryHealthMap {
  /** `resource` undefined: the directory as a whole. */
  cooldownOf(directoryId: string | undefined, resource?: string): Cooldown | undefined;
  /** Somebody of this tenant asks there, whatever the answer. */
  noteTenant(directoryId: string, resource: string, tenantUid: string): void;
  granted(directoryId: string, request: EvidenceContext, order: number): Promise<void>;
  refused(request: EvidenceContext, failure: Failure, known: boolean, order: number): Promise<void>;
  /** A probe got a token there; `resource`: undefined for Graph. */
  probeGranted(directoryId: string, resource: string | undefined, order: number): Promise<void>;
}

export interface DirectoryHealthMapParts
  extends Pick<AppStateRecorderParts, 'app' | 'clock' | 'metrics' | 'appStateStore'> {
  readonly recorder: AppStateRecorder;
  readonly credentials: CredentialChoice;
  readonly probes: HealthProbes;
  /** The app got a token somewhere lately, so its registration is in order. */
  readonly isAppInOrder: () => boolean;
  readonly onProbeGranted: (directoryId: string, resource: string, order: number) => Promise<void>;
}

const MOST_DIRECTORIES = 10_000;

export function createDirectoryHealthMap(parts: DirectoryHealthMapParts): DirectoryHealthMap {
  const { app, clock, metrics, appStateStore, recorder, credentials, probes } = parts;
  const directories = createBoundedMap<DirectoryHealth>(MOST_DIRECTORIES);
  /** Which hold put a directory among the failing ones. */
  const noted = createBoundedMap<string>(MOST_DIRECTORIES);

  function healthOf(directoryId: string, resource?: string): DirectoryHealth {
    const key = directoryKey(directoryId, resource);
    const found = directories.get(key);
    if (found !== undefined) return found;
    const made = createDirectoryHealth({
      clock,
      isShared: app.sharedWith.length > 0,
      wasGrantedSince: (time, except) => appStateStore.wasGrantedSince(app.uid, directoryId, time, except),
    });
    directories.set(key, made);
    return made;
  }

  async function mark(directoryId: string, resource: string | undefined, failure: Failure): Promise<void> {
    metrics.cooldownStarted(failure.subject, failure.reason);
    noted.set(directoryId, directoryKey(directoryId, resource));
    await recorder.markDirectory(directoryId, failure);
    // The only directory of an app is the app. Of several, two must fail and none be known to work.
    const isWhole = homeDirectory(app) === directoryId || recorder.hasOtherFailingDirectory(directoryId);
    if (failure.subject !== 'directory' || !isWhole || parts.isAppInOrder()) return;
    await recorder.markApp('MISCONFIGURED', { ...failure, reason: 'APP_MISCONFIGURED' });
  }

  function sendProbe(directoryId: string, resource: string, atResource: string | undefined, failure: Failure): void {
    const key = `${app.uid} ${directoryKey(directoryId, atResource)}`;
    probes.send({ key, app, credentials, directoryId, resource }, async ({ meaning, order }) => {
      if (meaning === undefined) return parts.onProbeGranted(directoryId, resource, order);
      if (meaning.failure.subject !== failure.subject || !meaning.known) return;
      healthOf(directoryId, atResource).confirm(failure, order);
      await mark(directoryId, atResource, failure);
    });
  }

  async function clearNote(directoryId: string): Promise<void> {
    const key = noted.get(directoryId);
    if (key !== undefined && directories.get(key)?.cooldown !== undefined) return;
    noted.delete(directoryId);
    await recorder.clearDirectory(directoryId);
  }

  return {
    noteTenant(directoryId, resource, tenantUid) {
      healthOf(directoryId).noteTenant(tenantUid);
      healthOf(directoryId, resource).noteTenant(tenantUid);
    },
    cooldownOf: (directoryId, resource) =>
      directoryId === undefined ? undefined : directories.get(directoryKey(directoryId, resource))?.cooldown,
    async granted(directoryId, request, order) {
      healthOf(directoryId).granted(directoryRequest(request, order));
      healthOf(directoryId, request.resource).granted(directoryRequest(request, order));
      await clearNote(directoryId);
    },
    async refused(request, failure, known, order) {
      const { directoryId, weight, isRetry, resource } = request;
      if (directoryId === undefined || weight !== 'FULL' || isRetry) return;
      const atResource = failure.subject === 'resource_in_directory' ? resource : undefined;
      const place = healthOf(directoryId, atResource);
      const wasHeld = place.cooldown !== undefined;
      const verdict = await place.refused(directoryRequest(request, order), failure, known);
      if (verdict === 'HELD' && !wasHeld) await mark(directoryId, atResource, failure);
      if (verdict === 'UNPROVED') sendProbe(directoryId, resource, atResource, failure);
    },
    async probeGranted(directoryId, resource, order) {
      const probe = { requester: `probe ${order}`, tenantUid: app.tenantUid, order };
      healthOf(directoryId).granted(probe);
      if (resource !== undefined) healthOf(directoryId, resource).granted(probe);
      await clearNote(directoryId);
    },
  };
}

function directoryRequest(request: EvidenceContext, order: number) {
  return { requester: requesterOf(request, order), tenantUid: request.tenantUid, order };
}

function directoryKey(directoryId: string, resource = ''): string {
  return `${directoryId} ${resource}`;
}
