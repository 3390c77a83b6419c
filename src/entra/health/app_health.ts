import type { BoundedCache } from '../../model/bounded_cache.ts';
import { elapsedSince, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { type App, homeDirectory, PERSONAL_DIRECTORY, registrationDirectory } from '../../model/entra_app.ts';
import { type Reason, VaultError } from '../../model/errors.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import type { Meaning } from '../errors/classify_entra_response.ts';
import { createAppFailures } from './app_failure_confirmation.ts';
import { createDirectoryHealthMap } from './app_health_by_directory.ts';
import { type AppStateRecorderParts, createAppStateRecorder } from './app_state_recorder.ts';
import type { HealthProbes } from './background_health_probes.ts';
import { type Cooldown, createCooldown } from './cooldown_with_trials.ts';
import { type CredentialUse, createCredentialChoice } from './credential_choice.ts';
import { type EvidenceContext, originOf, type Requester, requestKey } from './refusal_evidence_weight.ts';
import { createRequestCooldowns } from './refused_request_cooldowns.ts';
import { RECENT_GRANT } from './weigh_refusals_of_app_in_directory.ts';

export type AppHealth = ReturnType<typeof createAppHealth>;

/** The origin of a request to Entra. */
export interface RequestOrigin extends Requester {
  readonly directoryId: string | undefined;
  readonly tenantUid: string;
}

export interface AppHealthParts extends AppStateRecorderParts {
  readonly uses?: BoundedCache<string, readonly CredentialUse[]> | undefined;
  readonly probes: HealthProbes;
}

const REFUSED_RESOURCE = {
  kind: 'app_config',
  subject: 'resource_in_directory',
  entraError: undefined,
  correlationId: undefined,
  retryAfter: undefined,
  claims: undefined,
} as const;

/**
 * What Entra's responses prove about an app, its directories and its credentials. A refusal counts against the smallest
 * subject that explains it, and against a larger one only with independent evidence: a probe, a second subject, or no
 * grant for a long time. A success refutes the failures of requests that were sent before it.
 */
export function createAppHealth(parts: AppHealthParts) {
  const { app, clock, metrics, probes } = parts;
  const recorder = createAppStateRecorder(parts);
  const credentials = createCredentialChoice(parts);
  const requests = createRequestCooldowns(clock);
  const directories = createDirectoryHealthMap({
    ...parts,
    recorder,
    credentials,
    worksElsewhere: wasGrantedLately,
    onProbeGranted: probeGranted,
  });
  const appFailures = createAppFailures();
  let cooldown: Cooldown | undefined;
  let lastGrant: { readonly time: Timestamp; readonly order: number; readonly directoryId?: string | undefined } = {
    time: Number.NEGATIVE_INFINITY,
    order: 0,
  };

  function wasGrantedLately(): boolean {
    return elapsedSince(lastGrant.time, clock.now()) < RECENT_GRANT;
  }

  function cooldownsOf({ directoryId }: Pick<RequestOrigin, 'directoryId'>, resource?: string): Cooldown[] {
    const atResource = resource === undefined ? undefined : directories.cooldownOf(directoryId, resource);
    return [cooldown, directories.cooldownOf(directoryId), atResource].filter((one) => one !== undefined);
  }

  async function block(
    state: 'CREDENTIAL_REJECTED' | 'MISCONFIGURED',
    failure: Failure,
    order: number,
    requester: string,
  ): Promise<void> {
    if (lastGrant.order > order) return;
    if (cooldown === undefined || cooldown.reason !== failure.reason) {
      cooldown = createCooldown(failure, { requesters: [requester], order }, clock.now());
      metrics.cooldownStarted(state === 'MISCONFIGURED' ? 'app' : 'credential', failure.reason);
    } else {
      cooldown.confirm(requester, clock.now());
    }
    await recorder.markApp(state, failure);
  }

  async function refusedAsApp(request: EvidenceContext, failure: Failure, order: number): Promise<void> {
    const { directoryId, weight, isRetry, tenantUid } = request;
    if (weight === 'REQUEST' || isRetry) return;
    const requester = originOf(request);
    if (cooldown !== undefined) {
      cooldown.confirm(requester, clock.now());
      return;
    }
    // A refusal at a shared address is no evidence about a directory.
    const isEvidence = weight === 'FULL' && lastGrant.order <= order && directoryId !== undefined;
    const code = failure.entraError ?? '';
    if (isEvidence && appFailures.isConfirmed({ code, directoryId, tenantUid, order }) && !wasGrantedLately()) {
      await block('MISCONFIGURED', failure, order, requester);
      return;
    }
    const probed = probeDirectory(request);
    if (probed === undefined) return;
    const probe = { key: `${app.uid} app`, app, credentials, directoryId: probed, resource: undefined };
    probes.send(probe, async (result) => {
      if (result.meaning === undefined) return probeGranted(probed, undefined, result.order);
      if (result.meaning.failure.subject !== 'app') return;
      await block('MISCONFIGURED', failure, result.order, requester);
    });
  }

  /** A directory in which the app can request a token of its own; undefined: none is known. */
  function probeDirectory({ weight, directoryId }: EvidenceContext): string | undefined {
    // An ordinary exchange is of a grant that succeeded in its directory before.
    const own = weight === 'FULL' ? directoryId : undefined;
    const known = registrationDirectory(app) ?? lastGrant.directoryId ?? own;
    // Apps cannot get a token of their own in the directory of personal accounts.
    return known === PERSONAL_DIRECTORY ? undefined : known;
  }

  async function recordGrant(directoryId: string | undefined, order: number): Promise<void> {
    const newest = Math.max(order, lastGrant.order);
    lastGrant = { time: clock.now(), order: newest, directoryId: directoryId ?? lastGrant.directoryId };
    appFailures.refute(order);
    if (cooldown?.isRefutedBy(order)) cooldown = undefined;
    if (cooldown === undefined) await recorder.clearApp();
  }

  /** A probe got a token in that directory; `resource`: undefined for Graph. */
  async function probeGranted(directoryId: string, resource: string | undefined, order: number): Promise<void> {
    await recordGrant(directoryId, order);
    await directories.probeGranted(directoryId, resource, order);
  }

  /** The same request, and no other, is refused locally for a while. */
  function startRequestCooldown(request: EvidenceContext, grant: string, failure: Failure, known: boolean): void {
    if (!request.isRetry) requests.start(requestKey(request, grant), failure, known);
  }

  const credentialReason = () =>
    credentials.areAllExpired() ? ('APP_CREDENTIAL_EXPIRED' as const) : ('APP_CREDENTIAL_REJECTED' as const);

  return {
    credentials,
    /** A known failure, for which no request is sent; undefined: send the request, possibly as a trial. */
    refusal(origin: RequestOrigin): VaultError | undefined {
      const requester = originOf(origin);
      const closed = cooldownsOf(origin).find((one) => one.isClosedTo(requester, clock.now()));
      return closed && appError(app, closed.reason, origin.directoryId);
    },
    /** A request is about to be sent. It uses up the trials that are due. */
    begin(origin: RequestOrigin, resource: string) {
      const { tenantUid, directoryId } = origin;
      if (app.sharedWith.length > 0 && origin.weight === 'FULL') {
        appFailures.noteTenant(tenantUid);
        if (directoryId !== undefined) directories.noteTenant(directoryId, resource, tenantUid);
      }
      const requester = originOf(origin);
      for (const one of cooldownsOf(origin, resource)) one.beginTrial(requester, clock.now());
    },
    /** The request got no token: the next trial is for other requesters. */
    noteFailing(request: EvidenceContext, failure: Failure) {
      const requester = originOf(request);
      for (const one of cooldownsOf(request, request.resource)) one.noteFailing(requester, failure);
    },
    /** The failure of the same request, or of its resource in this directory, a short time ago. */
    refusalOf(request: EvidenceContext, grant: string): Failure | undefined {
      const refused = requests.isEmpty ? undefined : requests.find(requestKey(request, grant));
      if (refused !== undefined) return refused;
      const atResource = directories.cooldownOf(request.directoryId, request.resource);
      if (atResource?.isClosedTo(originOf(request), clock.now()) !== true) return undefined;
      const { reason, hint } = atResource;
      return { ...REFUSED_RESOURCE, reason, hint };
    },
    /** Entra granted a token. `directoryId`: where; undefined: not known. */
    async granted(request: EvidenceContext, grant: string, order: number, directoryId: string | undefined) {
      if (!requests.isEmpty) requests.end(requestKey(request, grant));
      await recordGrant(directoryId, order);
      if (directoryId !== undefined) await directories.granted(directoryId, request, order);
    },
    /** Entra refused the scopes, the directory or the app. Returns the failure with the reason for this app. */
    async refused(request: EvidenceContext, grant: string, { failure, known }: Meaning, order: number) {
      const { subject } = failure;
      // For an app with a single directory, a failure of the directory is a failure of the registration.
      const isOwnDirectory = subject === 'directory' && homeDirectory(app) !== undefined;
      const named: Failure = isOwnDirectory ? { ...failure, reason: 'APP_MISCONFIGURED' } : failure;
      startRequestCooldown(request, grant, named, known);
      if (subject === 'app') await refusedAsApp(request, named, order);
      else if (subject === 'directory' || subject === 'resource_in_directory' || !known) {
        await directories.refused(request, named, known, order);
      }
      return named;
    },
    probeGranted,
    /** A credential passed client authentication, whatever the response. */
    async credentialWorks() {
      if (recorder.state() !== 'CREDENTIAL_REJECTED') return;
      cooldown = undefined;
      await recorder.clearApp();
    },
    /** All credentials are rejected: starts a cooldown of the app. */
    async blockWithoutCredential(failure: Failure, order: number, requester: string): Promise<Failure> {
      const reason = credentialReason();
      const named: Failure = { ...failure, kind: 'app_credential', subject: 'credential', reason };
      await block('CREDENTIAL_REJECTED', named, order, requester);
      return named;
    },
    /** No credential is within its validity. No cooldown: the clock decides. */
    async withoutCredential(): Promise<VaultError> {
      const reason = credentialReason();
      await recorder.markApp('CREDENTIAL_REJECTED', { reason, entraError: undefined, correlationId: undefined });
      return appError(app, reason);
    },
    startRequestCooldown,
    probeDirectory,
  };
}

const APP_ERRORS: Partial<Record<Reason, (name: string) => string>> = {
  APP_CREDENTIAL_EXPIRED: (name) => `Every credential of ${name} has expired. Add a new one.`,
  APP_CREDENTIAL_REJECTED: (name) => `Entra accepts no credential of ${name}. Add a valid one.`,
  ADMIN_CONSENT_REQUIRED: (name) => `${name} has no consent in the directory. An administrator must consent first.`,
  BLOCKED_BY_POLICY: (name) => `The directory does not admit ${name}. An administrator of the directory must allow it.`,
};

/** For a caller whose app is known to fail, without a request to Entra. */
function appError(app: App, reason: Reason, directoryId?: string): VaultError {
  const name = appName(app);
  const message = APP_ERRORS[reason]?.(name) ?? `Entra refuses ${name}. Check Entra's code in the state of the app.`;
  return new VaultError(reason, message, { metadata: { resource: name, directoryId } });
}
