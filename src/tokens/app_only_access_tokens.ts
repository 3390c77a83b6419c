import { performance } from 'node:perf_hooks';
import type { Priority } from '../entra/entra_client_interface.ts';
import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { type App, homeDirectory, registrationDirectory } from '../model/entra_app.ts';
import { fieldInvalid, type Reason, VaultError } from '../model/errors.ts';
import { appNotFound, tenantNotFound } from '../model/not_found_errors.ts';
import type { Change } from '../model/resource_change_announcements.ts';
import { createSingleFlight } from '../model/single_flight.ts';
import { suspended } from '../model/suspension.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import { createTokenCache } from './access_token_cache.ts';
import type { AppTokenRequest, ChangesFeed, ServedToken } from './access_token_service_interface.ts';
import type { CeilingChecks } from './check_scope_ceilings.ts';
import type { RefreshAhead } from './refresh_ahead_of_expiry.ts';
import { rejectUnusableToken } from './reject_unusable_token.ts';
import type { Reread } from './reread_while_behind.ts';
import type { TokenParts } from './token_dependencies.ts';
import { createShortTtlCache } from './unattainable_ttl_cache.ts';
import { waitForAdmission } from './wait_for_entra_admission.ts';
import { waitFor } from './wait_until_caller_aborts.ts';

export interface AppTokensParts extends TokenParts {
  readonly ahead: RefreshAhead;
  readonly limit: number;
  readonly feed: ChangesFeed | undefined;
  readonly reread: Reread;
  readonly ceilingChecks: CeilingChecks;
}

const SHORTEST_USE: Duration = 30 * SECOND;

interface AppSnapshot {
  readonly tenant: Tenant;
  readonly app: App;
}

/** Serves the app's own tokens (client credentials) from memory alone, since there is no grant to lose. */
export function createAppTokens(parts: AppTokensParts) {
  const { stores, authorizationServer, contained, clock, ahead, metrics, feed, reread } = parts;
  const snapshots = createBoundedCache<string, AppSnapshot>(parts.limit);
  const cache = createTokenCache(parts.limit, clock);
  const flights = createSingleFlight<ServedToken>();
  const shortTtlCache = createShortTtlCache(clock);
  let changes = 0;

  async function read(tenantId: string, appId: string): Promise<AppSnapshot> {
    const before = changes;
    const tenant = await stores.tenants.find(tenantId);
    if (tenant === undefined) throw tenantNotFound(tenantId);
    // By the tenant's own uid: only the owner of a shared app gets its tokens.
    const app = await stores.apps.find(tenant.uid, appId);
    if (app === undefined) throw appNotFound({ tenantId, appId });
    const snapshot = { tenant, app };
    if (before === changes) snapshots.set(keyOf(tenantId, appId), snapshot);
    return snapshot;
  }

  function checkServable({ tenant, app }: AppSnapshot, directoryId: string | undefined): void {
    if (contained.size !== 0) contained.check({ tenantId: tenant.tenantId, app, directoryId });
    if (tenant.state === 'SUSPENDED') {
      throw suspended('TENANT_SUSPENDED', { name: `tenants/${tenant.tenantId}`, resumedBy: 'ResumeTenant' });
    }
    if (app.suspended) throw suspended('APP_SUSPENDED', { name: appName(app), resumedBy: 'UpdateApp' });
  }

  function directoryOf({ tenant, app }: AppSnapshot, wanted: string | undefined): string {
    const directoryId = wanted ?? homeDirectory(app);
    if (directoryId === undefined) {
      throw fieldInvalid(
        'directory_id',
        `${appName(app)} serves several directories. Name the one to get a token for.`,
      );
    }
    if (allowsDirectory(tenant, directoryId) || directoryId === homeDirectory(app)) return directoryId;
    throw new VaultError(
      'DIRECTORY_NOT_ALLOWED',
      `tenants/${tenant.tenantId} does not allow this directory. Add it to allowedDirectoryIds.`,
      { metadata: { directoryId } },
    );
  }

  function fromMemory(snapshot: AppSnapshot, request: AppTokenRequest): ServedToken | undefined {
    const { tenant, app } = snapshot;
    checkServable(snapshot, request.directoryId ?? homeDirectory(app));
    const { resource } = request;
    parts.ceilingChecks.ofApp(request.ceilings, { catalog: app.catalog ?? tenant.catalog, cloud: app.cloud, resource });
    const directoryId = directoryOf(snapshot, request.directoryId);
    const now = clock.now();
    const cached = cache.find(ownerUid(snapshot.app, directoryId), request.resource, now);
    if (cached === undefined || cached.served.accessToken.expireTime - now < request.minTtl) return undefined;
    if (now >= cached.aheadTime) {
      ahead.start(cached, () => acquire(snapshot, directoryId, request.resource, 'REFRESH_AHEAD'));
    }
    metrics.served('CACHE');
    return cached.served;
  }

  function acquire(snapshot: AppSnapshot, directoryId: string, resource: string, priority: Priority) {
    const { tenant, app } = snapshot;
    const uid = ownerUid(app, directoryId);
    return flights.run(`${priority} ${uid} ${resource}`, async () => {
      const fill = cache.open({ uid, appUid: app.uid, tenantUid: tenant.uid });
      try {
        const weight = directoryId === registrationDirectory(app) ? 'CREDENTIAL' : 'REQUEST';
        const requester = { connectionUid: undefined, weight } as const;
        const admission = await waitForAdmission(authorizationServer, { app, directoryId, priority, requester });
        try {
          // Contained while it waited for a slot.
          checkServable(snapshot, directoryId);
          const sentTime = performance.now();
          const outcome = rejectUnusableToken(await admission.acquireForApp({ resource }), clock.now());
          metrics.exchangeDuration(performance.now() - sentTime);
          metrics.exchange(outcome.kind, outcome.kind === 'granted' ? 'OK' : outcome.reason);
          if (outcome.kind !== 'granted') throw appTokenError(app, directoryId, outcome);
          const { accessToken } = outcome;
          const subject = { directoryId, clientId: app.clientId };
          const cached = { accessToken, source: 'CACHE', connectionUid: undefined, subject } as const;
          fill.put(resource, cached, clock.now() + SHORTEST_USE);
          return { ...cached, source: 'ENTRA' };
        } finally {
          admission.release();
        }
      } finally {
        fill.close();
      }
    });
  }

  async function getOrRefresh(request: AppTokenRequest): Promise<ServedToken> {
    const { tenantId, appId, resource } = request;
    if (contained.size !== 0) contained.check({ tenantId });
    const known = snapshots.get(keyOf(tenantId, appId));
    const snapshot = known === undefined || feed?.behind ? await reread(read(tenantId, appId), known) : known;
    const hit = fromMemory(snapshot, request);
    if (hit !== undefined && !request.fresh) return hit;
    const directoryId = directoryOf(snapshot, request.directoryId);
    const name = appName(snapshot.app);
    const key = `${ownerUid(snapshot.app, directoryId)} ${resource}`;
    shortTtlCache.check(key, request.minTtl);
    const flight = acquire(snapshot, directoryId, resource, 'FOREGROUND');
    shortTtlCache.rememberFailure(key, flight);
    const served = await waitFor(flight, request.signal(), name);
    // It may have been suspended or contained in the meantime.
    checkServable(snapshots.get(keyOf(tenantId, appId)) ?? (await read(tenantId, appId)), directoryId);
    const ttl = served.accessToken.expireTime - clock.now();
    if (ttl < request.minTtl) throw shortTtlCache.remember(key, name, ttl);
    metrics.served(served.source);
    return served;
  }

  return {
    get(request: AppTokenRequest): ServedToken | Promise<ServedToken> {
      const snapshot =
        feed?.behind || request.fresh ? undefined : snapshots.get(keyOf(request.tenantId, request.appId));
      const hit = snapshot && fromMemory(snapshot, request);
      return hit ?? getOrRefresh(request);
    },
    /** The app or its tenant changed: reads it again. */
    forget(change: Change): void {
      changes++;
      for (const { tenant, app } of snapshots.values()) {
        if (change.uid === tenant.uid || change.uid === app.uid) snapshots.delete(keyOf(app.tenantId, app.appId));
      }
    },
    /** Suspended or deleted: drops its tokens, too. */
    drop: cache.drop,
    clear(): void {
      changes++;
      snapshots.clear();
      cache.clear();
    },
    sweep: () => cache.sweep(clock.now()),
    settled: flights.settled,
  };
}

function keyOf(tenantId: string, appId: string): string {
  return `${tenantId}/${appId}`;
}

function ownerUid(app: App, directoryId: string): string {
  return `${app.uid}/${directoryId}`;
}

const NEXT_STEPS: Partial<Record<Reason, string>> = {
  ADMIN_CONSENT_REQUIRED:
    'An administrator of the directory must consent to the application permissions of the app (StartAdminConsent).',
  BLOCKED_BY_POLICY: 'The directory blocks the app. Ask its administrator.',
  APP_MISCONFIGURED: 'The app registration does not match the request. Compare them with VerifyApp.',
  APP_CREDENTIAL_REJECTED: 'Entra accepts no credential of the app. Add a valid one (AddCredential).',
  APP_CREDENTIAL_EXPIRED: 'All credentials of the app have expired. Add a new one (AddCredential).',
};

/** The error for a failed request for an app's own token (client credentials). */
function appTokenError(app: App, directoryId: string, failure: Failure): VaultError {
  const { reason, entraError, correlationId, retryAfter, hint } = failure;
  const step = NEXT_STEPS[reason] ?? 'Retry later, and check the app with VerifyApp.';
  const sentences = [`Entra issued no token for ${appName(app)} itself in directory ${directoryId}.`, step, hint];
  return new VaultError(reason, sentences.filter((sentence) => sentence !== undefined).join(' '), {
    metadata: { resource: appName(app), entraError, correlationId },
    retryAfter,
  });
}
