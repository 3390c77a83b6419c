import { homeDirectory, PERSONAL_DIRECTORY, registrationDirectory } from '../../model/app.ts';
import { elapsedSince, type Timestamp } from '../../model/clock.ts';
import type { VaultError } from '../../model/errors.ts';
import type { Failure } from '../../model/exchange.ts';
import type { Meaning } from '../errors/classify_error.ts';
import { appError } from './app_error.ts';
import { createAppFailures } from './app_failures.ts';
import { type AppStateRecorderParts, createAppStateRecorder } from './app_state_recorder.ts';
import { type Cooldown, createCooldown } from './cooldown.ts';
import { type CredentialChoice, createCredentialChoice } from './credential_choice.ts';
import type { CredentialUses } from './credential_uses.ts';
import { RECENT_GRANT } from './directory_health.ts';
import { createDirectoryHealthMap } from './directory_health_map.ts';
import type { HealthProbes } from './health_probes.ts';
import { createRequestCooldowns } from './request_cooldowns.ts';
import { type EvidenceContext, originOf, type Requester, requestKey } from './requester.ts';

/**
 * What Entra's answers prove about an app, its directories and its credentials. An answer counts against the smallest subject that
 * explains it, and moves up only on independent evidence: a probe, a second subject, or no grant for a long time. Any success
 * refutes the failures whose requests were sent before it.
 */
export interface AppHealth {
  readonly credentials: CredentialChoice;
  /** A failure that is known already, so that Entra need not be asked; undefined: ask, possibly as a trial. */
  refusal(origin: RequestOrigin): VaultError | undefined;
  /** A request leaves. It takes the trials that are due. */
  begin(origin: RequestOrigin, resource: string): void;
  /** A trial, or what left before a hold began, brought no token: others have the next trial. */
  noteFailing(request: EvidenceContext): void;
  /** The same request, or its resource in this directory, was refused a short while ago. */
  refusalOf(request: EvidenceContext, grant: string): Failure | undefined;
  /** Entra gave a token. `order`: when the request was sent. `directoryId`: where; undefined: not known. */
  granted(request: EvidenceContext, grant: string, order: number, directoryId: string | undefined): Promise<void>;
  /** Entra refused what was asked, where, or the app (`app_config`, `caller`, `ours`). Names the reason for this app. */
  refused(request: EvidenceContext, grant: string, meaning: Meaning, order: number): Promise<Failure>;
  /** A probe got a token in that directory; `resource`: undefined for Graph. */
  probeGranted(directoryId: string, resource: string | undefined, order: number): Promise<void>;
  /** Some credential passed client authentication, whatever else was answered. */
  credentialWorks(): Promise<void>;
  /** All credentials are refused: the app is held. */
  blockWithoutCredential(failure: Failure, order: number, requester: string): Promise<Failure>;
  /** No credential is within its time: the clock decides, so nothing is held. */
  withoutCredential(): Promise<VaultError>;
  /** The request failed with every credential. */
  startRequestCooldown(request: EvidenceContext, grant: string, failure: Failure, known: boolean): void;
  /** A directory in which an application token can be requested; undefined: none is known. */
  probeDirectory(request: EvidenceContext): string | undefined;
}

/** Who wants to ask Entra. */
export interface RequestOrigin extends Requester {
  readonly directoryId: string | undefined;
  readonly tenantUid: string;
}

export interface AppHealthParts extends AppStateRecorderParts {
  /** Default: none so far. */
  readonly uses?: CredentialUses | undefined;
  readonly probes: HealthProbes;
}

const HELD_RESOURCE = {
  kind: 'app_config',
  subject: 'resource_in_directory',
  entraError: undefined,
  correlationId: undefined,
  retryAfter: undefined,
  claims: undefined,
} as const;

export function createAppHealth(parts: AppHealthParts): AppHealth {
  const { app, clock, metrics, probes } = parts;
  const recorder = createAppStateRecorder(parts);
  const credentials = createCredentialChoice(parts);
  const home = homeDirectory(app);
  const requests = createRequestCooldowns(clock);
  const directories = createDirectoryHealthMap({
    ...parts,
    recorder,
    credentials,
    isAppInOrder: () => isRecent(lastGrant?.time),
    onProbeGranted: probeGranted,
  });
  let cooldown: Cooldown | undefined;
  let lastGrant:
    | { readonly time: Timestamp; readonly order: number; readonly directoryId: string | undefined }
    | undefined;
  const appFailures = createAppFailures();

  function cooldownsOf({ directoryId }: Pick<RequestOrigin, 'directoryId'>, resource?: string): Cooldown[] {
    const atResource = resource === undefined ? undefined : directories.cooldownOf(directoryId, resource);
    return [cooldown, directories.cooldownOf(directoryId), atResource].filter((one) => one !== undefined);
  }

  async function releaseApp(): Promise<void> {
    cooldown = undefined;
    await recorder.clearApp();
  }

  async function holdApp(state: 'CREDENTIAL_REJECTED' | 'MISCONFIGURED', failure: Failure, order: number, who: string) {
    if (lastGrant !== undefined && lastGrant.order > order) return;
    if (cooldown === undefined || cooldown.reason !== failure.reason) {
      cooldown = createCooldown(failure, { requesters: [who], order }, clock.now());
      metrics.cooldownStarted(state === 'MISCONFIGURED' ? 'app' : 'credential', failure.reason);
    } else {
      cooldown.confirm(who, clock.now());
    }
    await recorder.markApp(state, failure);
  }

  function isRecent(time: Timestamp | undefined): boolean {
    return time !== undefined && elapsedSince(time, clock.now()) < RECENT_GRANT;
  }

  async function refusedAsApp(request: EvidenceContext, failure: Failure, order: number) {
    const { directoryId, weight, isRetry } = request;
    if (weight === 'REQUEST' || isRetry) return;
    const requester = originOf(request);
    if (cooldown !== undefined) {
      cooldown.confirm(requester, clock.now());
      return;
    }
    const isRefuted = lastGrant !== undefined && lastGrant.order > order;
    // At a shared address nobody knows which directory it was.
    const noted = weight === 'FULL' &&
      !isRefuted &&
      directoryId !== undefined && { code: failure.entraError ?? '', directoryId, tenantUid: request.tenantUid, order };
    if (noted && appFailures.isConfirmed(noted) && !isRecent(lastGrant?.time)) {
      await holdApp('MISCONFIGURED', failure, order, requester);
      return;
    }
    const probed = probeDirectory(request);
    if (probed === undefined) return;
    probes.send(
      { key: `${app.uid} app`, app, credentials, directoryId: probed, resource: undefined },
      async (result) => {
        if (result.meaning === undefined) return probeGranted(probed, undefined, result.order);
        if (result.meaning.failure.subject !== 'app') return;
        await holdApp('MISCONFIGURED', failure, result.order, requester);
      },
    );
  }

  function probeDirectory({ weight, directoryId }: EvidenceContext): string | undefined {
    // An ordinary exchange is of a grant that succeeded in its directory before.
    const own = weight === 'FULL' ? directoryId : undefined;
    const known = registrationDirectory(app) ?? lastGrant?.directoryId ?? own;
    // Applications get no tokens of their own there.
    return known === PERSONAL_DIRECTORY ? undefined : known;
  }

  async function probeGranted(directoryId: string, resource: string | undefined, order: number): Promise<void> {
    noteGrant(directoryId, order);
    await refuteApp(order);
    await directories.probeGranted(directoryId, resource, order);
  }

  /** Which tenants use a shared app, and where. */
  function noteTenantUse({ tenantUid, directoryId, weight }: RequestOrigin, resource: string): void {
    if (app.sharedWith.length === 0 || weight !== 'FULL') return;
    appFailures.noteTenant(tenantUid);
    if (directoryId !== undefined) directories.noteTenant(directoryId, resource, tenantUid);
  }

  function noteGrant(directoryId: string | undefined, order: number): void {
    const newest = Math.max(order, lastGrant?.order ?? 0);
    lastGrant = { time: clock.now(), order: newest, directoryId: directoryId ?? lastGrant?.directoryId };
    appFailures.refute(order);
  }

  async function refuteApp(order: number): Promise<void> {
    if (cooldown?.isRefutedBy(order)) cooldown = undefined;
    if (cooldown === undefined) await recorder.clearApp();
  }

  return {
    credentials,
    refusal(origin) {
      const requester = originOf(origin);
      const closed = cooldownsOf(origin).find((one) => one.isClosedTo(requester, clock.now()));
      return closed && appError(app, closed.reason, origin.directoryId);
    },
    begin(origin, resource) {
      noteTenantUse(origin, resource);
      const requester = originOf(origin);
      for (const one of cooldownsOf(origin, resource)) one.beginTrial(requester, clock.now());
    },
    noteFailing(request) {
      const requester = originOf(request);
      for (const one of cooldownsOf(request, request.resource)) one.noteFailing(requester);
    },
    refusalOf(request, grant) {
      const held = requests.find(requestKey(request, grant));
      if (held !== undefined || request.directoryId === undefined) return held;
      const atResource = directories.cooldownOf(request.directoryId, request.resource);
      if (atResource?.isClosedTo(originOf(request), clock.now()) !== true) return undefined;
      const { reason, hint } = atResource;
      return { ...HELD_RESOURCE, reason, hint };
    },
    async granted(request, grant, order, directoryId) {
      requests.release(requestKey(request, grant));
      noteGrant(directoryId, order);
      await refuteApp(order);
      if (directoryId !== undefined) await directories.granted(directoryId, request, order);
    },
    async refused(request, grant, meaning, order) {
      const { known } = meaning;
      const failure = forThisApp(meaning.failure, home === undefined);
      if (!request.isRetry) requests.cooldown(requestKey(request, grant), failure, known);
      if (failure.subject === 'app') await refusedAsApp(request, failure, order);
      else if (isAboutPlace(failure) || !known) await directories.refused(request, failure, known, order);
      return failure;
    },
    probeGranted,
    async credentialWorks() {
      if (recorder.state() === 'CREDENTIAL_REJECTED') await releaseApp();
    },
    async blockWithoutCredential(failure, order, requester) {
      const reason = credentials.areAllExpired() ? 'APP_CREDENTIAL_EXPIRED' : 'APP_CREDENTIAL_REJECTED';
      const named: Failure = { ...failure, kind: 'app_credential', subject: 'credential', reason };
      await holdApp('CREDENTIAL_REJECTED', named, order, requester);
      return named;
    },
    async withoutCredential() {
      const reason = credentials.areAllExpired() ? 'APP_CREDENTIAL_EXPIRED' : 'APP_CREDENTIAL_REJECTED';
      await recorder.markApp('CREDENTIAL_REJECTED', { reason, entraError: undefined, correlationId: undefined });
      return appError(app, reason);
    },
    startRequestCooldown(request, grant, failure, known) {
      if (!request.isRetry) requests.cooldown(requestKey(request, grant), failure, known);
    },
    probeDirectory,
  };
}

function isAboutPlace({ subject }: Failure): boolean {
  return subject === 'directory' || subject === 'resource_in_directory';
}

/** In an app for a single directory, what this directory lacks is the registration's own fault. */
function forThisApp(failure: Failure, servesMany: boolean): Failure {
  return servesMany || failure.subject !== 'directory' ? failure : { ...failure, reason: 'APP_MISCONFIGURED' };
}
