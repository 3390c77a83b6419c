import { type EntraError, entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, type Directory, isPersonal } from '../state/entra_directories.ts';
import type { User } from '../state/entra_users.ts';
import type { RequestRecord } from '../state/request_log.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import type { RefreshGrant } from '../state/sealed_refresh_token.ts';
import { policiesFor } from '../state/token_refusal_policy.ts';
import { userTokenResponse } from './create_token_response.ts';
import { parseScopes } from './parse_requested_scopes.ts';
import { checkPersonalDefault, incompatible, personalConsentMissing } from './personal_account_rules.ts';

/** A request to the token endpoint whose client is authenticated. */
export interface TokenRequest {
  app: AppRegistration;
  authority: Authority;
  form: URLSearchParams;
  record: RequestRecord;
}

/** A grant that has been checked. */
export interface UserGrant {
  user: User;
  directory: Directory;
  grantedScope: string;
  nonce?: string | undefined;
}

/**
 * Issues tokens for one resource: a request for two is an error; the default is the first resource of the grant. Policies and
 * missing consent (65001) are errors. The token carries every permission that the user has for the resource.
 */
export async function issueUserTokens(
  state: SandboxState,
  { app, form, record }: TokenRequest,
  { user, directory, grantedScope, nonce }: UserGrant,
  createRefreshGrant: () => RefreshGrant | undefined,
): Promise<Record<string, unknown>> {
  const scope = form.get('scope') ?? undefined;
  const requested = parseScopes(state.resources, scope ?? grantedScope);
  const resource = requested.permissions[0]?.resource ?? state.resources.graph;
  record.resource = resource.id;
  const [policy] = policiesFor({ directory, user, resourceId: resource.id, clientId: app.clientId });
  if (policy !== undefined) throw policy.error;
  const permissions = state.consents.of(user.objectId, directory.id, app.clientId, resource.id);
  const wanted = requested.permissions.filter((permission) => permission.resource === resource);
  if (scope !== undefined && wanted.length < requested.permissions.length)
    throw isPersonal(directory.id) ? incompatible(scope) : entraError(28000);
  const isAllowed = permissions.size > 0 && wanted.every(({ name, isDefault }) => isDefault || permissions.has(name));
  if (isPersonal(directory.id)) {
    if (wanted.some(({ isDefault }) => isDefault)) checkPersonalDefault(state, app, resource, permissions.size > 0);
    if (!isAllowed) throw personalConsentMissing();
  }
  if (!isAllowed) throw entraError(65001, { client: app.clientId, name: app.displayName });

  const refreshGrant = createRefreshGrant();
  record.issuedRefreshTokenId = refreshGrant?.id;
  const claims = form.get('claims') ?? undefined;
  const wantsClientInfo = form.get('client_info') === '1';
  return userTokenResponse(state, {
    ...{ app, user, directory, resource, permissions, requested, nonce, refreshGrant, claims, wantsClientInfo },
  });
}

/** The error for a code or refresh token that was never issued. */
export function unknownGrant(authority: Authority): EntraError {
  const isAtConsumers = isPersonal(authority.directory?.id);
  return isAtConsumers ? entraError(7000012) : entraError(9002313, {}, { error: 'invalid_grant' });
}

export function required(form: URLSearchParams, parameter: string): string {
  const value = form.get(parameter);
  if (value === null || value === '') throw entraError(900144, { parameter });
  return value;
}
