import type { AuditEntry } from '../../src/audit/audit_log_interface.ts';
import { createAdminConsents } from '../../src/connect/admin_consent_use_cases.ts';
import { createAuthorizations } from '../../src/connect/authorization_use_cases.ts';
import type { ConnectParts } from '../../src/connect/connect_dependencies.ts';
import { createImports } from '../../src/connect/import_connection.ts';
import type { StartRequest } from '../../src/connect/start_authorization.ts';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import type { AdmissionRequest } from '../../src/entra/entra_client_interface.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { type Change, createChanges } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { createPageAudit } from '../../src/web/failure_page_audit.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { openScopes } from '../scopes/open_scopes.ts';
import { openTestStores } from '../store/open_test_stores.ts';

export const VAULT = 'https://vault.example';
export const OWN_CALLBACK = `${VAULT}/oauth2/callback`;
export const PRODUCT_CALLBACK = 'http://127.0.0.1:3000/microsoft/callback';
export const RETURN_URL = 'https://product.example/connected';
export const ADA = 'ada@contoso.example';
export const GRACE = 'grace@contoso.example';
export const ALAN = 'alan@fabrikam.example';
export const GRAPH = 'https://graph.microsoft.com';
export const OUTLOOK = 'https://outlook.office.com';

export type ConnectWorld = Awaited<ReturnType<typeof startConnectWorld>>;

/** The connect use cases with the real store, scopes, Entra client and web listener, and the sandbox as Entra. */
export async function startConnectWorld(more: Pick<ConnectParts, 'every' | 'contained'> = {}) {
  const sandbox = await startSandbox({ userConsent: 'legacy' });
  sandbox.addRedirectUri(ACME_CLIENT_ID, OWN_CALLBACK);
  const clock = { now: () => sandbox.clock.now() };
  const stores = await openTestStores({ clock });
  const authorizationServer = createAuthorizationServer({
    appStateStore: stores.apps,
    clock,
    customCloud: { loginUrl: sandbox.url },
  });
  const changes = createChanges();
  const announced: Change[] = [];
  changes.listen(
    (change) => announced.push(change),
    () => {},
  );
  const audited: AuditEntry[] = [];
  const logged: object[] = [];
  const audit = { broken: false };
  const mistake: { next: Error | undefined } = { next: undefined };
  const counted: string[] = [];
  const admittedTenants: (string | undefined)[] = [];
  const paused: number[] = [];
  const parts = {
    stores,
    authorizationServer: {
      ...authorizationServer,
      async admit(request: AdmissionRequest) {
        const { next } = mistake;
        mistake.next = undefined;
        if (next !== undefined) throw next;
        admittedTenants.push(request.tenantUid);
        return authorizationServer.admit(request);
      },
    },
    scopes: await openScopes(),
    changes,
    auditLog: {
      append(entry: AuditEntry, done: (error?: VaultError) => void) {
        audited.push(entry);
        setImmediate(done, audit.broken ? new VaultError('AUDIT_UNAVAILABLE', 'the disk is full') : undefined);
      },
    },
    clock,
    publicUrl: VAULT,
    ...more,
    pause: async (duration: number) => void paused.push(duration),
    metrics: {
      authorizationStarted: () => void counted.push('started'),
      authorizationEnded: (outcome: string) => void counted.push(outcome),
      adminConsentStarted: () => void counted.push('consent started'),
      adminConsentEnded: (outcome: string) => void counted.push(`consent ${outcome}`),
      imported: (outcome: string) => void counted.push(`import ${outcome}`),
    },
  };
  const authorizations = createAuthorizations(parts);
  const adminConsents = createAdminConsents(parts);
  const web = await startWebServer({
    address: '127.0.0.1:0',
    authorizations,
    adminConsents,
    logos: stores.apps,
    publicUrl: VAULT,
    log: { event: (_, name, fields) => void logged.push({ event: name, ...fields }) },
    audit: createPageAudit({ auditLog: parts.auditLog, clock }),
  });

  /** Requests a page without following redirects. */
  const visit = (url: string, init: RequestInit = {}) =>
    fetch(url.replace(VAULT, `http://${web.address}`), { redirect: 'manual', ...init });
  const locationOf = (answer: Response) => answer.headers.get('location') ?? '';
  /** The next address of the browser, by redirect or by the page's link. */
  const wayBack = async (answer: Response) => {
    const [, href = ''] = /href="(https:\/\/product\.example\/[^"]*)"/.exec(await answer.text()) ?? [];
    return new URL(locationOf(answer) || href.replaceAll('&amp;', '&'));
  };

  const world = {
    sandbox,
    stores,
    authorizations,
    adminConsents,
    imports: createImports(parts),
    announced,
    audited,
    logged,
    audit,
    mistake,
    counted,
    admittedTenants,
    paused,
    scopes: parts.scopes,
    /** Replaces any method of a store. */
    async outage(): Promise<never> {
      throw new VaultError('DATABASE_UNAVAILABLE', 'the disk is full');
    },
    visit,
    wayBack,

    async register(tenantId: string, app: Partial<App> = {}, tenant: Partial<Tenant> = {}) {
      const registered = { tenant: aTenant(tenantId, clock.now(), tenant), app: anApp(tenantId, clock.now(), app) };
      registered.app = { ...registered.app, tenantUid: registered.tenant.uid };
      const credential = {
        credential: {
          uid: newUid(),
          appUid: registered.app.uid,
          credentialId: 'secret',
          kind: 'CLIENT_SECRET' as const,
          hint: 'pre',
          notBefore: undefined,
          expireTime: undefined,
          verdict: 'UNPROBED' as const,
          entraError: undefined,
          lastUsedTime: undefined,
          preferTime: undefined,
          configuredExpireTime: undefined,
          entraExpireTime: undefined,
          entraKeyId: undefined,
          createTime: clock.now() - 3_600_000,
        },
        material: { kind: 'CLIENT_SECRET' as const, clientSecret: new Secret(ACME_SECRET) },
      };
      await stores.tenants.register({ ...registered, credential });
      return registered;
    },

    start: (request: Partial<StartRequest> = {}) =>
      authorizations.start({
        tenantId: 'acme',
        connectionId: 'ada',
        scopes: ['Mail.ReadOnly'],
        ...(request.redirectUri === undefined && request.autoConfirm === undefined ? { returnUrl: RETURN_URL } : {}),
        ...request,
      }),

    /** Signs in at Entra's page; returns the callback's address with Entra's parameters. */
    async signIn(authorizationUri: string, username: string, { declines = false } = {}): Promise<URL> {
      const automatic = `${authorizationUri}&sandbox_auto=${encodeURIComponent(username)}${declines ? '&sandbox_decline=1' : ''}`;
      const answer = await visit(automatic);
      if (answer.status !== 302) throw new Error(`${answer.status}: ${await answer.text()}`);
      return new URL(locationOf(answer));
    },

    /** Signs in at Entra and follows the vault's callback; returns the return URL. */
    async walk(authorizationUri: string, username: string, options = {}): Promise<URL> {
      return wayBack(await visit(String(await world.signIn(authorizationUri, username, options))));
    },

    /** Connects and confirms, like a product. */
    async connect(request: Partial<StartRequest> = {}, username = ADA): Promise<Connection> {
      const started = await world.start(request);
      const back = await world.walk(started.authorizationUri, username);
      return authorizations.confirm({
        tenantId: request.tenantId ?? 'acme',
        connectionId: request.connectionId ?? 'ada',
        confirmation: back.searchParams.get('confirmation') ?? '',
      });
    },

    async find(connectionId = 'ada', tenantId = 'acme'): Promise<Connection | undefined> {
      const tenant = await stores.tenants.find(tenantId);
      return tenant && stores.connections.find(tenant.uid, connectionId);
    },

    /** Issued by the sandbox to the app of all these tenants, with the user's consent to `scopes`. */
    refreshTokenFor: (user: string, scopes = 'openid profile offline_access Mail.Read User.Read') =>
      new Secret(sandbox.issueRefreshToken({ clientId: ACME_CLIENT_ID, userObjectId: user, scopes })),

    /** The stored refresh token. */
    async refreshTokenOf(connection: Connection): Promise<string | undefined> {
      const held = await stores.grants.lease(connection.uid, { owner: 'test', resource: GRAPH, duration: 1_000 });
      await held?.release();
      return held?.refreshToken?.reveal();
    },

    async stop() {
      await web.close(100);
      await authorizationServer.close();
      await stores.close();
      await sandbox.close();
    },
  };
  return world;
}

export function aTenant(tenantId: string, now: number, overrides: Partial<Tenant> = {}): Tenant {
  return {
    uid: newUid(),
    tenantId,
    displayName: `${tenantId} Inc.`,
    labels: {},
    state: 'ACTIVE',
    catalog: 'aurinko',
    allowedDirectoryIds: [],
    expiryThresholds: undefined,
    createTime: now,
    updateTime: now,
    version: 1,
    nextCredentialExpireTime: undefined,
    ...overrides,
  };
}

export function anApp(tenantId: string, now: number, overrides: Partial<App> = {}): App {
  return {
    uid: newUid(),
    tenantUid: '',
    tenantId,
    appId: 'default',
    displayName: `${tenantId} mail`,
    clientId: ACME_CLIENT_ID,
    cloud: 'CUSTOM',
    signInAudience: 'common',
    homeDirectoryId: undefined,
    rotation: undefined,
    redirectUris: [OWN_CALLBACK, PRODUCT_CALLBACK],
    returnUrlPrefixes: ['https://product.example/'],
    catalog: undefined,
    implicitPermissions: ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'],
    logoHash: undefined,
    branding: undefined,
    clientCapabilities: [],
    sharedWith: [],
    suspended: false,
    state: 'OK',
    stateReason: undefined,
    failingDirectories: [],
    createTime: now,
    updateTime: now,
    version: 1,
    ...overrides,
  };
}
