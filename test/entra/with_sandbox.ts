import { createAuthorizationServer, type EntraOptions } from '../../src/entra/entra_client.ts';
import type { EntraMetrics } from '../../src/entra/entra_metrics_interface.ts';
import type { Requester } from '../../src/entra/health/refusal_evidence_weight.ts';
import type { UsableCredential } from '../../src/model/app_credential.ts';
import type { App } from '../../src/model/entra_app.ts';
import type { AssertionFiles } from '../../src/model/federated_assertion_files.ts';
import type { SecretSource } from '../../src/model/key_vault_secret_reader_interface.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Outcome } from '../../src/model/token_request_outcome.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { createRecordingAppStateStore, type RecordingAppStateStore } from './app_state_store.ts';
import { aCredential, anApp, GRAPH } from './fixtures.ts';

export const ADA = 'ada@contoso.example';
export const ALAN = 'alan@fabrikam.example';
const SCOPES = [`${GRAPH}/Mail.Read`];

/** The Entra client with the sandbox, over real HTTP; the vault's clock follows the sandbox's. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly appStateStore: RecordingAppStateStore;
  readonly server: ReturnType<typeof createAuthorizationServer>;
  readonly exchanges: string[];
  /** Logged events, with their fields as JSON. */
  readonly logged: string[];
  refresh(options?: RefreshOptions): Promise<Outcome>;
  close(): Promise<void>;
}

export interface RefreshOptions {
  user?: string;
  app?: App;
  /** `null`: the app's audience. */
  directoryId?: string | null;
  refreshToken?: string;
  scopes?: string[];
  resource?: string;
  timeout?: number;
  requester?: Requester;
  tenantUid?: string;
}

export interface StageOptions {
  credentials?: UsableCredential[];
  secretSource?: SecretSource;
  assertionFiles?: AssertionFiles;
  options?: EntraOptions;
  metrics?: Partial<EntraMetrics>;
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const sandbox = await startSandbox({ userConsent: 'legacy', algorithm: 'ES256', loopGuard: false });
  const appStateStore = createRecordingAppStateStore(...(options.credentials ?? [acmeSecret(sandbox)]));
  const exchanges: string[] = [];
  const logged: string[] = [];
  const server = createAuthorizationServer({
    appStateStore,
    clock: sandbox.clock,
    secretSource: options.secretSource,
    assertionFiles: options.assertionFiles,
    customCloud: { loginUrl: sandbox.url },
    options: options.options,
    metrics: {
      exchange: (outcome) => void exchanges.push(outcome),
      retry() {},
      inFlight() {},
      waiting() {},
      waited() {},
      rejected() {},
      circuitOpened() {},
      cooldownStarted() {},
      failsInDirectory() {},
      credentialRejected() {},
      credentialFellBack() {},
      credentialUnusable() {},
      appStateWriteFailed() {},
      ...options.metrics,
    },
    log: { event: (_level, name, fields) => void logged.push(`${name} ${JSON.stringify(fields)}`) },
    random: () => 0,
  });
  return {
    sandbox,
    appStateStore,
    server,
    exchanges,
    logged,
    async refresh({ user = ADA, app = acme(), directoryId = CONTOSO, ...more } = {}) {
      const refreshToken =
        more.refreshToken ??
        sandbox.issueRefreshToken({
          clientId: app.clientId,
          userObjectId: user,
          scopes: 'openid offline_access Mail.Read',
        });
      const admission = await server.admit({
        app,
        directoryId: directoryId ?? undefined,
        tenantUid: more.tenantUid,
        priority: 'FOREGROUND',
        requester: more.requester ?? { connectionUid: user, weight: 'FULL' },
      });
      try {
        return await admission.redeemRefreshToken({
          refreshToken: new Secret(refreshToken),
          resource: more.resource ?? GRAPH,
          scopes: more.scopes ?? SCOPES,
          timeout: more.timeout,
        });
      } finally {
        admission.release();
      }
    },
    async close() {
      await server.close();
      await sandbox.close();
    },
  };
}

export function acme(overrides: Partial<App> = {}): App {
  return anApp({ clientId: ACME_CLIENT_ID, signInAudience: 'common', ...overrides });
}

export function acmeSecret(sandbox: Sandbox | undefined, uid = 'good'): UsableCredential {
  const createTime = (sandbox?.clock.now() ?? Date.now()) - 24 * 3600_000;
  return aCredential(uid, { kind: 'CLIENT_SECRET', clientSecret: new Secret(ACME_SECRET) }, { createTime });
}

export function secretCredential(uid: string, value: string, ageMinutes = 60 * 24): UsableCredential {
  const createTime = Date.now() - ageMinutes * 60_000;
  return aCredential(uid, { kind: 'CLIENT_SECRET', clientSecret: new Secret(value) }, { createTime });
}
