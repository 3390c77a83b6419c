import { type App, homeDirectory, PERSONAL_DIRECTORY } from '../model/app.ts';
import type { AppStateStore } from '../model/app_state_store.ts';
import type { AssertionFiles } from '../model/assertion_files.ts';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import type { SecretSource } from '../model/secret_source.ts';
import { suspended } from '../model/suspension.ts';
import { type Log, silentLog } from '../telemetry/log.ts';
import { createAdmissionControl } from './admission/admission_control.ts';
import { ADMISSION_DEFAULTS, type AdmissionOptions } from './admission/admission_options.ts';
import { type CustomCloud, createAuthorities, directoryOf, signInDirectoryOf } from './authority.ts';
import type { Admission, AdmissionRequest, AuthorizationServer, Priority } from './authorization_server.ts';
import { adminConsentUri, authorizationUri } from './authorization_uri.ts';
import { type EntraMetrics, silentMetrics } from './entra_metrics.ts';
import { classifyAuthorizationError } from './errors/classify_error.ts';
import { createAssertionFiles } from './exchange/assertion_files.ts';
import { createClientAuthentications } from './exchange/client_authentication.ts';
import { type ExchangeRequest, knownRefusal, redeem } from './exchange/exchange.ts';
import { type ProbeTarget, probeCredentials, probeHealth } from './exchange/probe.ts';
import type { TokenRequestParts } from './exchange/token_request.ts';
import { noSecretSource } from './exchange/versioned_secrets.ts';
import { createAppHealths } from './health/app_healths.ts';
import { createHealthProbes } from './health/health_probes.ts';
import type { Requester } from './health/requester.ts';
import { createTokenHttp } from './http.ts';

export interface EntraOptions {
  /** One request to the token endpoint. Default 10 s. */
  readonly requestTimeout?: Duration | undefined;
  /** One exchange, retry and all credentials included. Default 8 s: less than a lease. */
  readonly exchangeTimeout?: Duration | undefined;
  /** Bytes. Default 256 KiB. */
  readonly maxBody?: number | undefined;
  readonly admissionControl?: Partial<AdmissionOptions> | undefined;
}

/** Microsoft Entra, or what stands in for it as cloud CUSTOM. */
export function createAuthorizationServer(parts: {
  appStateStore: AppStateStore;
  clock: Clock;
  /** For credentials by reference. Default: one that refuses. */
  secretSource?: SecretSource | undefined;
  /** For federated credentials. Default: one that allows none. */
  assertionFiles?: AssertionFiles | undefined;
  customCloud?: CustomCloud | undefined;
  proxy?: HttpProxy | undefined;
  metrics?: EntraMetrics | undefined;
  log?: Log | undefined;
  /** 0 to 1; for jitter. */
  random?: (() => number) | undefined;
  options?: EntraOptions | undefined;
}): AuthorizationServer {
  const { appStateStore, clock, metrics = silentMetrics, log = silentLog, random = Math.random, options = {} } = parts;
  const authorities = createAuthorities(parts.customCloud);
  const exchangeTimeout = options.exchangeTimeout ?? 8 * SECOND;
  const pacingOptions = { ...ADMISSION_DEFAULTS, ...options.admissionControl };
  const admissionControl = createAdmissionControl({ clock, metrics, options: pacingOptions });
  const http = createTokenHttp({
    clock,
    options: {
      maxBody: options.maxBody ?? 256 * 1024,
      connections: pacingOptions.totalInFlight,
      proxy: parts.proxy,
    },
  });
  const { secretSource = noSecretSource, assertionFiles = createAssertionFiles({ allowed: [], ownTokenFiles: [] }) } =
    parts;
  const clientAuthentications = createClientAuthentications({ clock, secretSource, assertionFiles, metrics, log });
  const requestTimeout = options.requestTimeout ?? 10 * SECOND;
  let order = 0;
  const nextOrder = () => ++order;
  const askParts: TokenRequestParts = {
    http,
    clientAuthentications,
    clock,
    metrics,
    log,
    random,
    nextOrder,
    requestTimeout,
  };
  const probeTarget = (app: App, directoryId: string, priority: Priority): ProbeTarget => ({
    app,
    directoryId,
    authority: authorities.of(app.cloud, directoryId),
    timeout: exchangeTimeout,
    acquire: (signal) =>
      admissionControl.acquire({ appUid: app.uid, directory: directoryId, tenant: app.tenantUid, priority, signal }),
  });
  const probes = createHealthProbes({
    clock,
    request: ({ app, directoryId, resource }, usable) =>
      probeHealth(askParts, probeTarget(app, directoryId, 'FOREGROUND'), usable, resource),
  });
  const healths = createAppHealths({ appStateStore, clock, metrics, log, probes });

  async function admit(request: AdmissionRequest): Promise<Admission> {
    const { app, directoryId: named } = request;
    if (app.suspended) throw suspended('APP_SUSPENDED', { name: appName(app), resumedBy: 'UpdateApp' });
    const directory = directoryOf(app, named);
    const directoryId = named ?? homeDirectory(app);
    const requester: Requester = request.requester ?? {
      connectionUid: undefined,
      weight: 'REQUEST',
    };
    const tenantUid = request.tenantUid ?? app.tenantUid;
    const origin = { ...requester, directoryId, tenantUid };
    const refuseKnown = () => {
      const health = healths.of(app);
      const refusal = health.refusal(origin);
      if (refusal === undefined) return health;
      metrics.rejected(refusal.reason);
      throw refusal;
    };
    const known = refuseKnown();
    if (!(await known.credentials.hasCandidates())) throw await known.withoutCredential();

    const { priority, signal } = request;
    const slot = await admissionControl.acquire({ appUid: app.uid, directory, tenant: tenantUid, priority, signal });
    try {
      // Others may have learned something while this one waited.
      const health = refuseKnown();
      let isSent = false;
      const run = async (
        asked: Pick<ExchangeRequest, 'grant' | 'resource' | 'nonce'> & Partial<Pick<ExchangeRequest, 'authority'>>,
        options: { retry?: boolean | undefined; force?: boolean | undefined; timeout?: Duration | undefined } = {},
      ) => {
        const whole: ExchangeRequest = {
          authority: authorities.of(app.cloud, directory),
          ...asked,
          app,
          requester,
          tenantUid,
          directoryId,
          otherAuthority: otherAuthorityOf(app, directoryId),
          isRetry: options.retry ?? false,
          force: options.force ?? false,
          timeout: options.timeout ?? exchangeTimeout,
        };
        const refusal = knownRefusal({ metrics }, whole, health);
        if (refusal !== undefined) return refusal;
        // Only what is sent is a trial: what is refused here must not take it from the others.
        if (!isSent) refuseKnown();
        isSent = true;
        health.begin(origin, asked.resource);
        return redeem({ ...askParts, probes }, whole, slot, health);
      };
      return {
        async redeemRefreshToken({ refreshToken, scopes, claims, resource, ...options }) {
          checkClaims(claims);
          const grant = { kind: 'refresh_token', refreshToken, scopes, claims } as const;
          return run({ grant, resource, nonce: undefined }, options);
        },
        redeemCode({ code, codeVerifier, redirectUri, scopes, resource, nonce }) {
          const grant = { kind: 'authorization_code', code, codeVerifier, redirectUri, scopes } as const;
          const authority = authorities.of(app.cloud, signInDirectoryOf(app, named));
          return run({ grant, resource, nonce, authority });
        },
        async acquireForApp({ resource }) {
          if (directoryId === undefined) {
            throw fieldInvalid('directory_id', 'an app for several directories must say which one it means');
          }
          return run({
            grant: { kind: 'client_credentials', scopes: [`${resource}/.default`] },
            resource,
            nonce: undefined,
          });
        },
        release: () => slot.release(),
      };
    } catch (error) {
      slot.release();
      throw error;
    }
  }

  /**
   * A grant of a personal account belongs to the address that issued it, which the vault cannot know for certain: it signs in at the
   * app's audience and refreshes in the directory of personal accounts.
   */
  function otherAuthorityOf(app: App, directoryId: string | undefined) {
    if (directoryId !== PERSONAL_DIRECTORY) return undefined;
    return authorities.of(app.cloud, app.signInAudience === 'common' ? 'common' : 'consumers');
  }

  return {
    authorizationUri: (request) => authorizationUri(authorities, request),
    adminConsentUri: (request) => adminConsentUri(authorities, request),
    admit,
    readAuthorizationError: classifyAuthorizationError,
    async probe(app, named, priority = 'FOREGROUND') {
      const directoryId = named ?? homeDirectory(app);
      if (directoryId === undefined) return [];
      return probeCredentials(askParts, probeTarget(app, directoryId, priority), healths.of(app));
    },
    forget: (appUid) => healths.forget(appUid),
    throttledUntil: (appUid) => admissionControl.throttledUntil(appUid),
    settled: () => probes.settled(),
    async close() {
      await probes.settled();
      await http.close();
    },
  };
}

/** MSAL would refuse broken claims with an error of its own. */
function checkClaims(claims: string | undefined): void {
  if (claims === undefined) return;
  try {
    const parsed: unknown = JSON.parse(claims);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return;
  } catch {
    // Told below.
  }
  throw fieldInvalid('claims', 'must be the JSON object that the resource sent, decoded');
}
