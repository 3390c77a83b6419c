import type { AccessToken } from '../../src/model/access_token.ts';
import type { AdminConsent } from '../../src/model/admin_consent_request.ts';
import type { NewCredential } from '../../src/model/app_credential.ts';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { Grant } from '../../src/model/connection_grant.ts';
import type { ResourceIssues, ResourceState } from '../../src/model/connection_resource_issue.ts';
import type { App } from '../../src/model/entra_app.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { Logo } from '../../src/model/logo.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Rotation } from '../../src/model/secret_rotation.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import type { Authorization, AuthorizationAttempt } from '../../src/model/user_authorization.ts';

export const NOW = 1_800_000_000_000;
export const GRAPH = 'https://graph.microsoft.com';
export const OUTLOOK = 'https://outlook.office.com';

export function sampleTenant(tenantId = 'acme', changes: Partial<Tenant> = {}): Tenant {
  return {
    uid: newUid(),
    tenantId,
    displayName: 'Acme',
    labels: { tier: 'gold' },
    state: 'ACTIVE',
    catalog: 'aurinko',
    allowedDirectoryIds: [],
    expiryThresholds: undefined,
    createTime: NOW,
    updateTime: NOW,
    version: 1,
    nextCredentialExpireTime: undefined,
    ...changes,
  };
}

export function sampleApp(tenant: Tenant, appId = 'default', changes: Partial<App> = {}): App {
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    appId,
    displayName: 'Mail sync',
    clientId: '11111111-2222-3333-4444-555555555555',
    cloud: 'GLOBAL',
    signInAudience: 'organizations',
    homeDirectoryId: undefined,
    rotation: undefined,
    redirectUris: ['https://vault.test/oauth2/callback'],
    returnUrlPrefixes: ['https://product.test/'],
    catalog: undefined,
    implicitPermissions: ['offline_access'],
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
    ...changes,
  };
}

export function sampleCredential(
  app: App,
  credentialId = 'first',
  expireTime: number | null = NOW + DAY,
): NewCredential {
  return {
    credential: {
      uid: newUid(),
      appUid: app.uid,
      credentialId,
      kind: 'CLIENT_SECRET',
      hint: 'abc',
      notBefore: undefined,
      expireTime: expireTime ?? undefined,
      configuredExpireTime: expireTime ?? undefined,
      entraExpireTime: undefined,
      entraKeyId: undefined,
      verdict: 'UNPROBED',
      entraError: undefined,
      lastUsedTime: undefined,
      preferTime: undefined,
      createTime: NOW,
    },
    material: { kind: 'CLIENT_SECRET', clientSecret: new Secret(`secret of ${credentialId}`) },
  };
}

export function sampleRotation(app: App, changes: Partial<Rotation> = {}): Rotation {
  return {
    uid: newUid(),
    appUid: app.uid,
    step: 'ADD',
    marker: 'token-vault 1',
    oldCredentialUid: 'old',
    newCredentialUid: undefined,
    beginTime: NOW,
    watchTime: undefined,
    nextTime: NOW,
    failures: 0,
    problem: undefined,
    version: 1,
    ...changes,
  };
}

export function sampleConnection(
  tenant: Tenant,
  app: App,
  connectionId = 'ada',
  changes: Partial<Connection> = {},
): Connection {
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    connectionId,
    appUid: app.uid,
    appTenantId: app.tenantId,
    appId: app.appId,
    externalId: undefined,
    labels: {},
    account: {
      directoryId: 'd1',
      objectId: 'o1',
      username: 'Ada@Contoso.com',
      displayName: 'Ada L.',
      email: undefined,
    },
    productScopes: ['Mail.ReadOnly'],
    granted: { [GRAPH]: ['Mail.Read'] },
    resourceIssues: {},
    grantState: 'ACTIVE',
    stateReason: undefined,
    suspendTime: undefined,
    verifyTime: NOW,
    lastRefreshTime: NOW,
    firstSuspectTime: undefined,
    heldUntil: undefined,
    keepAliveTime: NOW + 30 * DAY,
    createTime: NOW,
    updateTime: NOW,
    version: 1,
    ...changes,
  };
}

export function sampleIssues(state: ResourceState, requested?: readonly string[]): ResourceIssues {
  const evidence = { reason: 'BLOCKED_BY_POLICY', entraError: 'e', correlationId: undefined, time: NOW } as const;
  return { [GRAPH]: { state, evidence, startTime: NOW, retryTime: NOW + DAY, requested } };
}

export function sampleAccessToken(token = 'at-1', resource = GRAPH): AccessToken {
  return {
    token: new Secret(token),
    resource,
    permissions: ['Mail.Read'],
    expireTime: NOW + 60 * MINUTE,
    refreshTime: NOW + 48 * MINUTE,
    correlationId: undefined,
  };
}

export function sampleAuthorization(connection: Connection, changes: Partial<Authorization> = {}): Authorization {
  return {
    uid: newUid(),
    tenantUid: connection.tenantUid,
    connectionUid: connection.uid,
    appUid: connection.appUid,
    state: 'OPEN',
    productScopes: ['Mail.ReadOnly'],
    permissions: { [GRAPH]: ['Mail.Read'] },
    redirectUri: 'https://vault.test/oauth2/callback',
    returnUrl: 'https://product.test/done',
    completion: 'CONFIRM',
    loginHint: 'ada@contoso.com',
    directoryId: undefined,
    prompt: undefined,
    allowAccountChange: false,
    claims: undefined,
    failure: undefined,
    createTime: NOW,
    expireTime: NOW + DAY,
    ...changes,
  };
}

export function sampleAttempt(authorization: Authorization): AuthorizationAttempt {
  return {
    authorizationUid: authorization.uid,
    codeVerifier: new Secret('verifier'),
    nonce: new Secret('nonce'),
    expireTime: NOW + 10 * MINUTE,
  };
}

export function sampleGrant(refreshToken = 'rt-granted'): Grant {
  return {
    refreshToken: new Secret(refreshToken),
    account: {
      directoryId: 'd1',
      objectId: 'o1',
      username: 'ada@contoso.com',
      displayName: undefined,
      email: undefined,
    },
    productScopes: ['Mail.ReadOnly'],
    granted: { [GRAPH]: ['Mail.Read'] },
  };
}

export function sampleAdminConsent(tenant: Tenant, app: App, changes: Partial<AdminConsent> = {}): AdminConsent {
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    appUid: app.uid,
    state: 'OPEN',
    directoryId: undefined,
    productScopes: ['Mail.ReadOnly'],
    scopes: [`${GRAPH}/Mail.Read`],
    redirectUri: 'https://vault.test/oauth2/callback',
    returnUrl: 'https://product.test/admin',
    createTime: NOW,
    expireTime: NOW + 7 * DAY,
    ...changes,
  };
}

export function sampleLogo(hash = 'a'.repeat(64)): Logo {
  return { mediaType: 'image/png', image: Buffer.from(`logo ${hash} with \0 and \xff`, 'latin1'), hash };
}
