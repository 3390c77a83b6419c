import type { AppStateStore } from '../model/app_state_store.ts';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { type App, homeDirectory, PERSONAL_DIRECTORY } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { AssertionFiles } from '../model/federated_assertion_files.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import type { KeyVaultCertificates } from '../model/key_vault_certificates.ts';
import type { SecretSource } from '../model/key_vault_secret_reader_interface.ts';
import type { ManagedIdentities } from '../model/managed_identities.ts';
import { suspended } from '../model/suspension.ts';
import { type Log, silentLog } from '../telemetry/log_events.ts';
import { createAdmissionControl } from './admission/admission_control.ts';
import { ADMISSION_DEFAULTS, type AdmissionOptions } from './admission/admission_options.ts';
import { adminConsentUri, authorizationUri } from './authorization_and_consent_uris.ts';
import type {
  Admission,
  AdmissionRequest,
  AttemptOptions,
  AuthorizationServer,
  Priority,
} from './entra_client_interface.ts';
import { type CustomCloud, createAuthorities, directoryOf, signInDirectoryOf } from './entra_endpoints.ts';
import { type EntraMetrics, silentMetrics } from './entra_metrics_interface.ts';
import { classifyAuthorizationError } from './errors/classify_entra_response.ts';
import {
  createClientAuthentications,
  noKeyVaultCertificates,
  noManagedIdentities,
} from './exchange/create_client_authentication.ts';
import { createAssertionFiles } from './exchange/federated_assertion_reader.ts';
import { noSecretSource } from './exchange/key_vault_secret_versions.ts';
import { type ProbeTarget, probeCredentials, sendProbe } from './exchange/probe_credentials.ts';
import { type ExchangeRequest, knownRefusal, redeem } from './exchange/redeem_grant_with_each_credential.ts';
import { createAppHealths } from './health/app_health_cache.ts';
import { createHealthProbes } from './health/background_health_probes.ts';
import type { Requester } from './health/refusal_evidence_weight.ts';
import { createJsonHttp } from './json_http_client.ts';
import { parseJsonObject } from './json_object.ts';

export interface EntraOptions {
  /** One request to the token endpoint. Default 10 s. */
  readonly requestTimeout?: Duration | undefined;
  /** One exchange, with its retry and all credentials. Default 8 s: less than a lease. */
  readonly exchangeTimeout?: Duration | undefined;
  /** Bytes. Default 256 KiB. */
  readonly maxBody?: number | undefined;
  readonly admissionControl?: Partial<AdmissionOptions> | undefined;
}

/** Microsoft Entra, or its replacement as cloud CUSTOM. */
export function createAuthorizationServer(parts: {
  appStateStore: AppStateStore;
  clock: Clock;
  /** For credentials by reference. Default: one that fails. */
  secretSource?: SecretSource | undefined;
  /** For federated credentials. Default: one that allows no file. */
  assertionFiles?: AssertionFiles | undefined;
  /** For managed identities. Default: one that fails. */
  managedIdentities?: Pick<ManagedIdentities, 'token'> | undefined;
  /** For certificates in a key vault. Default: one that fails. */
  certificates?: Pick<KeyVaultCertificates, 'sign'> | undefined;
  customCloud?: CustomCloud | undefined;
  proxy?: HttpProxy | undefined;
  metrics?: EntraMetrics | undefined;
  log?: Log | undefined;
  /** 0 to 1; for jitter. */
  random?: (() => number) | undefined;
  options?: EntraOptions | undefined;
}): AuthorizationServer {
  const { appStateStore, clock, metrics = silentMetrics, log = silentLog, random = Math.random, options = {} } = parts;
  const {
    secretSource = noSecretSource,
    managedIdentities = noManagedIdentities,
    certificates = noKeyVaultCertificates,
  } = parts;
  const { proxy } = parts;
  const { assertionFiles = createAssertionFiles({ allowed: [], ownTokenFiles: [] }) } = parts;
  const { exchangeTimeout = 8 * SECOND, requestTimeout = 10 * SECOND, maxBody = 256 * 1024 } = options;
  const authorities = createAuthorities(parts.customCloud);
  const admissionOptions = { ...ADMISSION_DEFAULTS, ...options.admissionControl };
  const admissionControl = createAdmissionControl({ clock, metrics, options: admissionOptions });
  const connections = admissionOptions.totalInFlight + admissionOptions.forced.totalInFlight;
  const http = createJsonHttp({ clock, options: { maxBody, connections, proxy } });
  const sources = { secretSource, assertionFiles, managedIdentities, certificates };
  const clientAuthentications = createClientAuthentications({ ...sources, clock, metrics, log });
  let order = 0;
  const nextOrder = () => ++order;
  const requestParts = { http, clientAuthentications, clock, metrics, log, random, nextOrder, requestTimeout };
  const probeTarget = (app: App, directoryId: string, priority: Priority): ProbeTarget => ({
    app,
    directoryId,
    authority: authorities.of(app.cloud, directoryId),
    timeout: exchangeTimeout,
    acquire: (signal) =>
      admissionControl.acquire({ appUid: app.uid, directory: directoryId, tenant: app.tenantUid, priority, signal }),
  });
  const probes = createHealthProbes(clock, ({ app, directoryId, resource }, usable) =>
    sendProbe(requestParts, probeTarget(app, directoryId, 'FOREGROUND'), usable, resource),
  );
  const healths = createAppHealths({ appStateStore, clock, metrics, log, probes });

  async function admit(request: AdmissionRequest): Promise<Admission> {
    const { app, priority, forcedBy, signal, tenantUid: tenant = app.tenantUid } = request;
    if (app.suspended) throw suspended('APP_SUSPENDED', { name: appName(app), resumedBy: 'UpdateApp' });
    const directory = directoryOf(app, request.directoryId);
    const directoryId = request.directoryId ?? homeDirectory(app);
    const requester: Requester = request.requester ?? { connectionUid: undefined, weight: 'REQUEST' };
    const origin = { ...requester, directoryId, tenantUid: tenant };
    const rejectKnownFailure = () => {
      const health = healths.of(app);
      const refusal = health.refusal(origin);
      if (refusal === undefined) return health;
      metrics.rejected(refusal.reason);
      throw refusal;
    };
    const known = rejectKnownFailure();
    if (!(await known.credentials.hasCandidates())) throw await known.withoutCredential();

    const slot = await admissionControl.acquire({ appUid: app.uid, directory, tenant, forcedBy, priority, signal });
    try {
      // Another exchange may have found a failure while this one waited.
      const health = rejectKnownFailure();
      let isSent = false;
      const exchange = async (
        changes: Pick<ExchangeRequest, 'grant' | 'resource'> & Partial<ExchangeRequest>,
        { retry = false, force = false, timeout = exchangeTimeout }: AttemptOptions = {},
      ) => {
        const exchangeRequest: ExchangeRequest = {
          authority: authorities.of(app.cloud, directory),
          nonce: undefined,
          ...changes,
          app,
          requester,
          tenantUid: tenant,
          directoryId,
          otherAuthority: otherAuthorityOf(app, directoryId),
          isRetry: retry,
          force,
          timeout,
        };
        const refusal = knownRefusal(metrics, exchangeRequest, health);
        if (refusal !== undefined) return refusal;
        // Only a request that is sent uses up a trial, so that a local refusal takes no trial from other requests.
        if (!isSent) rejectKnownFailure();
        isSent = true;
        health.begin(origin, changes.resource);
        return redeem({ ...requestParts, probes }, exchangeRequest, slot, health);
      };
      return {
        async redeemRefreshToken({ refreshToken, scopes, claims, resource, ...options }) {
          checkClaims(claims);
          return exchange({ grant: { kind: 'refresh_token', refreshToken, scopes, claims }, resource }, options);
        },
        redeemCode({ code, codeVerifier, redirectUri, scopes, resource, nonce }) {
          const grant = { kind: 'authorization_code', code, codeVerifier, redirectUri, scopes } as const;
          const authority = authorities.of(app.cloud, signInDirectoryOf(app, request.directoryId));
          return exchange({ grant, resource, nonce, authority });
        },
        async acquireForApp({ resource }) {
          if (directoryId === undefined) {
            throw fieldInvalid('directory_id', 'is required, because the app serves several directories');
          }
          return exchange({ grant: { kind: 'client_credentials', scopes: [`${resource}/.default`] }, resource });
        },
        release: slot.release,
      };
    } catch (error) {
      slot.release();
      throw error;
    }
  }

  /**
   * A grant of a personal account can only be redeemed at the address that issued it, which the vault cannot know for
   * certain: users sign in at the app's audience, and refreshes use the directory of personal accounts.
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
      return probeCredentials(requestParts, probeTarget(app, directoryId, priority), healths.of(app));
    },
    forget: healths.forget,
    forgetAll: healths.forgetAll,
    throttledUntil: admissionControl.throttledUntil,
    settled: probes.settled,
    async close() {
      await probes.settled();
      await http.close();
    },
  };
}

/** MSAL rejects invalid claims with an error of its own. */
function checkClaims(claims: string | undefined): void {
  if (claims === undefined || parseJsonObject(claims) !== undefined) return;
  throw fieldInvalid('claims', 'must be the JSON object that the resource sent, decoded');
}
