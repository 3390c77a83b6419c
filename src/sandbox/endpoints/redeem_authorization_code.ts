import { createHash, randomUUID } from 'node:crypto';
import { entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { User } from '../state/entra_users.ts';
import type { CodeGrant } from '../state/issued_authorization_codes.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { type RefreshGrant, SPA_LIFETIME } from '../state/sealed_refresh_token.ts';
import { checkRedirectUri, checkUser } from './check_sign_in_allowed.ts';
import { issueUserTokens, required, type TokenRequest, unknownGrant } from './issue_user_tokens.ts';
import { canonicalScope, parseScopes } from './parse_requested_scopes.ts';
import { checkGrantAuthority } from './personal_account_rules.ts';

export async function redeemCode(state: SandboxState, request: TokenRequest): Promise<Record<string, unknown>> {
  const { app, authority, form } = request;
  const grant = state.codes.find(required(form, 'code'));
  if (grant === undefined) throw unknownGrant(authority);
  const redirectUri = required(form, 'redirect_uri');
  if (grant.clientId !== app.clientId) throw entraError(70000);
  if (authority.directory !== undefined && authority.directory.id !== grant.directoryId) throw entraError(700005);
  checkGrantAuthority(authority, grant.directoryId);
  if (grant.redeemed) throw entraError(54005);
  if (grant.expireTime <= state.clock.now()) throw entraError(70008);
  checkRedirectUri(app, redirectUri);
  if (redirectUri !== grant.redirectUri) throw entraError(500112, { uri: redirectUri, expected: grant.redirectUri });
  checkVerifier(grant, form.get('code_verifier'));
  const user = state.users.find(grant.userObjectId);
  const directory = state.directories.find(grant.directoryId);
  if (user === undefined || directory === undefined) throw unknownGrant(authority);
  checkUser(state, user, app, { segment: directory.id, kind: 'directory', directory });
  return issueUserTokens(state, request, { user, directory, grantedScope: grant.scope, nonce: grant.nonce }, () => {
    grant.redeemed = true;
    return createRefreshGrant(state, app, user, grant);
  });
}

/** RFC 7636, 4.6. */
function checkVerifier({ codeChallenge, codeChallengeMethod }: CodeGrant, verifier: string | null): void {
  if (codeChallenge === undefined) return;
  if (verifier === null) throw entraError(501481);
  const isPlain = codeChallengeMethod === 'plain';
  const derived = isPlain ? verifier : createHash('sha256').update(verifier).digest('base64url');
  if (derived !== codeChallenge) throw entraError(501481);
}

/** Undefined: the authorization request had no `offline_access`. */
function createRefreshGrant(
  state: SandboxState,
  app: AppRegistration,
  user: User,
  grant: CodeGrant,
): RefreshGrant | undefined {
  const granted = parseScopes(state.resources, grant.scope);
  if (!granted.oidc.has('offline_access')) return undefined;
  const issuedTime = state.clock.now();
  const permissions = granted.permissions.flatMap((permission) =>
    permission.isDefault ? app.permissions : [canonicalScope(permission)],
  );
  return {
    id: randomUUID(),
    userObjectId: user.objectId,
    clientId: app.clientId,
    directoryId: grant.directoryId,
    scopes: [...permissions, ...granted.oidc],
    issuedTime,
    generation: user.generation,
    instanceId: state.instanceId,
    ...(app.spaRedirectUris.includes(grant.redirectUri) ? { fixedEndTime: issuedTime + SPA_LIFETIME } : {}),
  };
}
