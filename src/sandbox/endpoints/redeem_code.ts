import { createHash, randomUUID } from 'node:crypto';
import { entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { CodeGrant } from '../state/authorization_code.ts';
import { type RefreshGrant, SPA_LIFETIME } from '../state/refresh_token.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';
import { checkUser } from './eligibility.ts';
import { checkGrantAuthority } from './personal_account.ts';
import { canonicalScope, parseScopes } from './requested_scopes.ts';
import { damagedGrant, grantResource, required, type TokenRequest } from './token_request.ts';
import { userTokenResponse } from './token_response.ts';

export async function redeemCode(world: SandboxState, request: TokenRequest): Promise<Record<string, unknown>> {
  const { app, authority, form, record } = request;
  const grant = world.codes.find(required(form, 'code'));
  if (grant === undefined) throw damagedGrant(authority);
  const redirectUri = required(form, 'redirect_uri');
  if (grant.clientId !== app.clientId) throw entraError(70000);
  if (authority.directory !== undefined && authority.directory.id !== grant.directoryId) throw entraError(700005);
  checkGrantAuthority(authority, grant.directoryId);
  if (grant.redeemed) throw entraError(54005);
  if (grant.expireTime <= world.clock.now()) throw entraError(70008);
  if (![...app.redirectUris, ...app.spaRedirectUris].includes(redirectUri))
    throw entraError(50011, { uri: redirectUri, client: app.clientId });
  if (redirectUri !== grant.redirectUri) throw entraError(500112, { uri: redirectUri, expected: grant.redirectUri });
  checkVerifier(grant, form.get('code_verifier') ?? undefined);
  const user = world.users.find(grant.userObjectId);
  const directory = world.directories.find(grant.directoryId);
  if (user === undefined || directory === undefined) throw damagedGrant(authority);
  checkUser(world, user, app, { segment: directory.id, kind: 'directory', directory });

  const { resource, permissions, asked } = grantResource(world, {
    app,
    user,
    directory,
    scope: form.get('scope') ?? undefined,
    grantedScope: grant.scope,
    record,
  });
  grant.redeemed = true;
  const refreshGrant = refreshGrantOf(world, app, user, grant);
  record.issuedRefreshTokenId = refreshGrant?.id;
  return userTokenResponse(world, {
    app,
    user,
    directory,
    resource,
    permissions,
    asked,
    nonce: grant.nonce,
    refreshGrant,
    claims: form.get('claims') ?? undefined,
    wantsClientInfo: form.get('client_info') === '1',
  });
}

/** RFC 7636, 4.6. */
function checkVerifier(grant: CodeGrant, verifier: string | undefined): void {
  if (grant.codeChallenge === undefined) return;
  const derived =
    grant.codeChallengeMethod === 'plain'
      ? verifier
      : createHash('sha256')
          .update(verifier ?? '')
          .digest('base64url');
  if (verifier === undefined || derived !== grant.codeChallenge) throw entraError(501481);
}

/** Without `offline_access` at the authorize endpoint there is none. */
function refreshGrantOf(
  world: SandboxState,
  app: AppRegistration,
  user: User,
  grant: CodeGrant,
): RefreshGrant | undefined {
  const consented = parseScopes(world.resources, grant.scope);
  if (!consented.oidc.has('offline_access')) return undefined;
  const now = world.clock.now();
  const permissions = consented.permissions.flatMap((permission) =>
    permission.isDefault ? app.permissions : [canonicalScope(permission)],
  );
  return {
    id: randomUUID(),
    userObjectId: user.objectId,
    clientId: app.clientId,
    directoryId: grant.directoryId,
    scopes: [...permissions, ...consented.oidc],
    issuedTime: now,
    generation: user.generation,
    instanceId: world.instanceId,
    ...(app.spaRedirectUris.includes(grant.redirectUri) ? { fixedEndTime: now + SPA_LIFETIME } : {}),
  };
}
