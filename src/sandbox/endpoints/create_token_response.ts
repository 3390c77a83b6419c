import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { type AppRegistration, servicePrincipalId } from '../state/app_registration.ts';
import { type Directory, isPersonal } from '../state/entra_directories.ts';
import { objectIdIn, type User } from '../state/entra_users.ts';
import { PERSONAL_ACCESS_TOKEN, sealOpaque } from '../state/opaque_token_encryption.ts';
import { GRAPH, OIDC_SCOPES, type Resource } from '../state/protected_resources.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { type RefreshGrant, sealRefreshToken } from '../state/sealed_refresh_token.ts';
import type { RequestedScopes } from './parse_requested_scopes.ts';
import { parseRequestedClaims, type RequestedClaims } from './requested_claims.ts';

export interface UserTokens {
  app: AppRegistration;
  user: User;
  directory: Directory;
  resource: Resource;
  /** Every permission that the user has for this resource: Entra does not narrow them to the request. */
  permissions: Set<string>;
  requested: RequestedScopes;
  nonce: string | undefined;
  refreshGrant: RefreshGrant | undefined;
  claims: string | undefined;
  wantsClientInfo: boolean;
}

/** The body of a successful response for a user. */
export async function userTokenResponse(state: SandboxState, tokens: UserTokens): Promise<Record<string, unknown>> {
  const { app, user, directory, resource } = tokens;
  const { oidc } = tokens.requested;
  const names = [
    ...[...tokens.permissions].filter((name) => !OIDC_SCOPES.includes(name)),
    ...(resource.family === 'graph' ? SIGN_IN : []),
  ];
  const isPersonalAccount = isPersonal(directory.id);
  const demanded = parseRequestedClaims(tokens.claims);
  const lifetime = lifetimeOf(state, demanded, isPersonalAccount);
  const issued = Math.floor(state.clock.now() / 1000);
  const claims = {
    ...commonClaims(app, directory, resource, issued, lifetime),
    ...evaluatedContinuously(demanded, issued),
    acr: '1',
    acrs: ['urn:user:registersecurityinfo'],
    amr: ['pwd', 'mfa'],
    ipaddr: '203.0.113.7',
    name: user.displayName,
    oid: objectIdIn(user, directory.id),
    scp: names.join(' '),
    signin_state: ['kmsi'],
    sub: pairwiseSubject(user, app),
    unique_name: user.username,
    upn: user.username,
    wids: ['b79fbf4d-3ef9-4689-8143-76b194e85509'],
  };
  const isOpaque = isPersonalAccount && resource.family !== 'other';
  const accessToken = isOpaque ? sealOpaque(PERSONAL_ACCESS_TOKEN, claims, 600) : state.signingKey.sign(claims);
  const idToken = oidc.has('openid') ? signIdToken(state, tokens, issued) : undefined;
  return {
    token_type: 'Bearer',
    scope: [...names.map((name) => scopeName(resource, name)), ...defaultScope(tokens)].join(' '),
    ...expiry(lifetime),
    access_token: await accessToken,
    ...(tokens.refreshGrant === undefined ? {} : { refresh_token: sealRefreshToken(tokens.refreshGrant) }),
    ...(idToken === undefined ? {} : { id_token: await idToken }),
    ...(tokens.wantsClientInfo ? { client_info: clientInfo(user) } : {}),
  };
}

/** The body of a successful response for an app itself. */
export async function appTokenResponse(
  state: SandboxState,
  parts: {
    app: AppRegistration;
    directory: Directory;
    resource: Resource;
    roles: string[];
    claims: string | undefined;
  },
): Promise<Record<string, unknown>> {
  const { app, directory, resource, roles } = parts;
  const demanded = parseRequestedClaims(parts.claims);
  const lifetime = lifetimeOf(state, demanded, false);
  const issued = Math.floor(state.clock.now() / 1000);
  const accessToken = await state.signingKey.sign({
    ...commonClaims(app, directory, resource, issued, lifetime),
    ...evaluatedContinuously(demanded, issued),
    idtyp: 'app',
    oid: servicePrincipalId(app, directory.id),
    sub: servicePrincipalId(app, directory.id),
    ...(roles.length === 0 ? {} : { roles }),
  });
  return { token_type: 'Bearer', ...expiry(lifetime), access_token: accessToken };
}

function commonClaims(
  app: AppRegistration,
  directory: Directory,
  resource: Resource,
  issued: number,
  lifetime: number,
) {
  return {
    aud: resource.id,
    iss: `https://sts.windows.net/${directory.id}/`,
    iat: issued,
    nbf: issued,
    exp: issued + lifetime,
    aio: randomBytes(42).toString('base64'),
    app_displayname: app.displayName,
    appid: app.clientId,
    appidacr: '1',
    idp: `https://sts.windows.net/${directory.id}/`,
    rh: `1.${randomBytes(45).toString('base64url')}.`,
    tenant_region_scope: 'EU',
    tid: directory.id,
    uti: randomBytes(16).toString('base64url'),
    ver: '1.0',
    xms_ftd: randomBytes(32).toString('base64url'),
    xms_idrel: '1 30',
    xms_st: { sub: randomBytes(32).toString('base64url') },
    xms_tcdt: 1_400_000_000,
    sid: randomUUID(),
  };
}

/** For a client that handles challenges. A challenge names the second after its event, which may not have begun. */
function evaluatedContinuously({ handlesChallenges, notBefore }: RequestedClaims, issued: number) {
  return handlesChallenges ? { xms_cc: ['CP1'], iat: Math.max(issued, Math.min(notBefore, issued + 1)) } : {};
}

function signIdToken(state: SandboxState, tokens: UserTokens, issued: number): Promise<string> {
  const { app, user, directory } = tokens;
  const { oidc } = tokens.requested;
  return state.signingKey.sign({
    aud: app.clientId,
    iss: `${state.url}/${directory.id}/v2.0`,
    iat: issued,
    nbf: issued,
    // An id_token is valid for an hour, unlike the access token.
    exp: issued + 3600,
    ...(oidc.has('email') && user.mail !== undefined ? { email: user.mail } : {}),
    ...(oidc.has('profile')
      ? { name: user.displayName, oid: objectIdIn(user, directory.id), preferred_username: user.username }
      : {}),
    ...(tokens.nonce === undefined ? {} : { nonce: tokens.nonce }),
    rh: `1.${randomBytes(45).toString('base64url')}.`,
    sub: pairwiseSubject(user, app),
    tid: directory.id,
    uti: randomBytes(16).toString('base64url'),
    ver: '2.0',
  });
}

/** Permissions of Graph are returned by name, those of other resources as URIs. */
function scopeName(resource: Resource, name: string): string {
  return resource.id === GRAPH || SIGN_IN.includes(name) ? name : `${resource.id}/${name}`;
}

/** Except for Graph, Entra returns `.default`: https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/2195 */
function defaultScope({ resource, requested }: UserTokens): string[] {
  const isRequested = requested.permissions.some(
    (permission) => permission.isDefault && permission.resource === resource,
  );
  return isRequested && resource.family !== 'graph' ? [`${resource.id}/.default`] : [];
}

/** Included in every consent, and so in every token for Graph; `offline_access` is never returned. */
const SIGN_IN = ['openid', 'profile', 'email'];

function expiry(lifetime: number): Record<string, number> {
  const refreshIn = lifetime > 2 * 3600 ? { refresh_in: Math.floor(lifetime / 2) } : {};
  return { expires_in: lifetime, ext_expires_in: lifetime, ...refreshIn };
}

/** Seconds: 60 to 90 minutes; 20 to 28 hours for a client that handles claims challenges; one hour for personal accounts. */
function lifetimeOf(state: SandboxState, { handlesChallenges }: RequestedClaims, isPersonalAccount: boolean): number {
  if (state.settings.accessTokenLifetime !== undefined) return state.settings.accessTokenLifetime;
  if (isPersonalAccount) return 3600;
  return handlesChallenges ? randomInt(20 * 3600, 28 * 3600) : randomInt(3600, 5400);
}

function clientInfo(user: User): string {
  return Buffer.from(JSON.stringify({ uid: user.objectId, utid: user.directoryId })).toString('base64url');
}

/** Differs between apps, and is the same at every sign-in. */
function pairwiseSubject(user: User, app: AppRegistration): string {
  return Buffer.from(`${user.objectId}${app.clientId}`.replaceAll('-', ''), 'hex').toString('base64url');
}
