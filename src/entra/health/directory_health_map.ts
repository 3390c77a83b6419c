import { homeDirectory } from '../../model/app.ts';
import type { Failure } from '../../model/exchange.ts';
import { createBoundedMap } from '../bounded_map.ts';
import type { AppNotes, AppNotesParts } from './app_state_recorder.ts';
import type { Hold } from './cooldown.ts';
import type { CredentialChoice } from './credential_choice.ts';
import { createPlaceHealth, type PlaceHealth } from './directory_health.ts';
import type { HealthProbes } from './health_probes.ts';
import { type EvidenceContext, requesterOf } from './requester.ts';

/** The health of an app in each directory, and at each resource there. */
export interface AppPlaces {
  /** `resource` undefined: the directory as a whole. */
  holdOf(directoryId: string | undefined, resource?: string): Hold | undefined;
  /** Somebody of this tenant asks there, whatever the answer. */
  see(directoryId: string, resource: string, tenantUid: string): void;
  granted(directoryId: string, request: EvidenceContext, order: number): Promise<void>;
  refused(request: EvidenceContext, failure: Failure, known: boolean, order: number): Promise<void>;
  /** A probe got a token there; `resource`: undefined for Graph. */
  probeGranted(directoryId: string, resource: string | undefined, order: number): Promise<void>;
}

export interface AppPlacesParts extends Pick<AppNotesParts, 'app' | 'clock' | 'metrics' | 'ledger'> {
  readonly notes: AppNotes;
  readonly credentials: CredentialChoice;
  readonly probes: HealthProbes;
  /** The app got a token somewhere lately, so its registration is in order. */
  readonly isAppInOrder: () => boolean;
  readonly onProbeGranted: (directoryId: string, resource: string, order: number) => Promise<void>;
}

const MOST_PLACES = 10_000;

export function createAppPlaces(parts: AppPlacesParts): AppPlaces {
  const { app, clock, metrics, ledger, notes, credentials, probes } = parts;
  const places = createBoundedMap<PlaceHealth>(MOST_PLACES);
  /** Which hold put a directory among the failing ones. */
  const noted = createBoundedMap<string>(MOST_PLACES);

  function placeOf(directoryId: string, resource?: string): PlaceHealth {
    const key = placeKey(directoryId, resource);
    const found = places.get(key);
    if (found !== undefined) return found;
    const made = createPlaceHealth({
      clock,
      isShared: app.sharedWith.length > 0,
      wasGrantedSince: (time, except) => ledger.wasGrantedSince(app.uid, directoryId, time, except),
    });
    places.set(key, made);
    return made;
  }

  async function mark(directoryId: string, resource: string | undefined, failure: Failure): Promise<void> {
    metrics.held(failure.subject, failure.reason);
    noted.set(directoryId, placeKey(directoryId, resource));
    await notes.markDirectory(directoryId, failure);
    // The only directory of an app is the app. Of several, two must fail and none be known to work.
    const isWhole = homeDirectory(app) === directoryId || notes.failsBeside(directoryId);
    if (failure.subject !== 'directory' || !isWhole || parts.isAppInOrder()) return;
    await notes.markApp('MISCONFIGURED', { ...failure, reason: 'APP_MISCONFIGURED' });
  }

  function sendProbe(directoryId: string, resource: string, atResource: string | undefined, failure: Failure): void {
    const key = `${app.uid} ${placeKey(directoryId, atResource)}`;
    probes.send({ key, app, credentials, directoryId, resource }, async ({ meaning, order }) => {
      if (meaning === undefined) return parts.onProbeGranted(directoryId, resource, order);
      if (meaning.failure.subject !== failure.subject || !meaning.known) return;
      placeOf(directoryId, atResource).confirm(failure, order);
      await mark(directoryId, atResource, failure);
    });
  }

  async function clearNote(directoryId: string): Promise<void> {
    const key = noted.get(directoryId);
    if (key !== undefined && places.get(key)?.hold !== undefined) return;
    noted.delete(directoryId);
    await notes.clearDirectory(directoryId);
  }

  return {
    see(directoryId, resource, tenantUid) {
      placeOf(directoryId).see(tenantUid);
      placeOf(directoryId, resource).see(tenantUid);
    },
    holdOf: (directoryId, resource) =>
      directoryId === undefined ? undefined : places.get(placeKey(directoryId, resource))?.hold,
    async granted(directoryId, request, order) {
      placeOf(directoryId).granted(placeRequest(request, order));
      placeOf(directoryId, request.resource).granted(placeRequest(request, order));
      await clearNote(directoryId);
    },
    async refused(request, failure, known, order) {
      const { directoryId, weight, isRetry, resource } = request;
      if (directoryId === undefined || weight !== 'FULL' || isRetry) return;
      const atResource = failure.subject === 'resource_in_directory' ? resource : undefined;
      const place = placeOf(directoryId, atResource);
      const wasHeld = place.hold !== undefined;
      const verdict = await place.refused(placeRequest(request, order), failure, known);
      if (verdict === 'HELD' && !wasHeld) await mark(directoryId, atResource, failure);
      if (verdict === 'UNPROVED') sendProbe(directoryId, resource, atResource, failure);
    },
    async probeGranted(directoryId, resource, order) {
      const probe = { requester: `probe ${order}`, tenantUid: app.tenantUid, order };
      placeOf(directoryId).granted(probe);
      if (resource !== undefined) placeOf(directoryId, resource).granted(probe);
      await clearNote(directoryId);
    },
  };
}

function placeRequest(request: EvidenceContext, order: number) {
  return { requester: requesterOf(request, order), tenantUid: request.tenantUid, order };
}

function placeKey(directoryId: string, resource = ''): string {
  return `${directoryId} ${resource}`;
}
