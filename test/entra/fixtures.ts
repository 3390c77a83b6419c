import { createAuthorizationServer, type EntraOptions } from '../../src/entra/entra_client.ts';
import type { AdmissionRequest, Priority } from '../../src/entra/entra_client_interface.ts';
import type { EntraMetrics } from '../../src/entra/entra_metrics_interface.ts';
import type { Credential, CredentialMaterial, UsableCredential } from '../../src/model/app_credential.ts';
import { type Clock, DAY } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Failure, Granted, Outcome } from '../../src/model/token_request_outcome.ts';
import type { RecordingAppStateStore } from './app_state_store.ts';

export const GRAPH = 'https://graph.microsoft.com';
export const NOW = Date.UTC(2026, 10, 22, 12);

export interface MovableClock extends Clock {
  advance(duration: number): void;
}

export function createMovableClock(start = NOW): MovableClock {
  let now = start;
  return {
    now: () => now,
    advance(duration) {
      now += duration;
    },
  };
}

export function anApp(overrides: Partial<App> = {}): App {
  return {
    uid: 'app-1',
    tenantUid: 'tenant-1',
    tenantId: 'acme',
    appId: 'default',
    displayName: '',
    clientId: 'a0000000-0000-4000-8000-000000000001',
    cloud: 'CUSTOM',
    signInAudience: 'organizations',
    homeDirectoryId: undefined,
    rotation: undefined,
    redirectUris: [],
    returnUrlPrefixes: [],
    catalog: undefined,
    implicitPermissions: [],
    logoHash: undefined,
    branding: undefined,
    clientCapabilities: [],
    sharedWith: [],
    suspended: false,
    state: 'OK',
    stateReason: undefined,
    failingDirectories: [],
    createTime: NOW,
    updateTime: NOW,
    version: 1,
    ...overrides,
  };
}

export function aSecret(
  uid: string,
  overrides: Partial<Credential> = {},
  value = `secret-of-${uid}`,
): UsableCredential {
  return aCredential(uid, { kind: 'CLIENT_SECRET', clientSecret: new Secret(value) }, overrides);
}

export function aCredential(
  uid: string,
  material: CredentialMaterial,
  overrides: Partial<Credential> = {},
): UsableCredential {
  return {
    credential: {
      uid,
      appUid: 'app-1',
      credentialId: uid,
      kind: material.kind,
      hint: 'abc',
      notBefore: undefined,
      expireTime: undefined,
      verdict: 'UNPROBED',
      entraError: undefined,
      lastUsedTime: undefined,
      preferTime: undefined,
      configuredExpireTime: undefined,
      entraExpireTime: undefined,
      entraKeyId: undefined,
      createTime: NOW - DAY,
      ...overrides,
    },
    material,
  };
}

export function createServer(parts: {
  url: string;
  appStateStore: RecordingAppStateStore;
  clock?: Clock;
  options?: EntraOptions;
  metrics?: EntraMetrics;
}) {
  const server = createAuthorizationServer({
    appStateStore: parts.appStateStore,
    clock: parts.clock ?? createMovableClock(),
    customCloud: { loginUrl: parts.url },
    options: parts.options,
    metrics: parts.metrics,
    random: () => 0.5,
  });
  const admission = (
    app = anApp(),
    directoryId: string | undefined = undefined,
    more: Partial<AdmissionRequest> = {},
  ) => {
    const requester = { connectionUid: 'ada', weight: 'FULL' } as const;
    return server.admit({ app, directoryId, priority: 'FOREGROUND' as Priority, requester, ...more });
  };
  return {
    server,
    admission,
    /** Admitted, redeemed, released. */
    async refresh(app?: App, directoryId?: string, timeout?: number): Promise<Outcome> {
      const admitted = await admission(app, directoryId ?? 'dir-1');
      try {
        return await admitted.redeemRefreshToken(refreshRequest(timeout));
      } finally {
        admitted.release();
      }
    },
  };
}

export function refreshRequest(timeout?: number) {
  return {
    refreshToken: new Secret('the-refresh-token'),
    resource: GRAPH,
    scopes: [`${GRAPH}/Mail.Read`, `${GRAPH}/User.Read`],
    timeout,
  };
}

export function granted(outcome: Outcome): Granted {
  if (outcome.kind !== 'granted') throw new Error(`not granted: ${JSON.stringify(outcome)}`);
  return outcome;
}

export function failed(outcome: Outcome): Failure {
  if (outcome.kind === 'granted') throw new Error('granted');
  return outcome;
}
