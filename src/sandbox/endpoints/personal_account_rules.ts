import { type EntraError, entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, isPersonal } from '../state/entra_directories.ts';
import type { Resource } from '../state/protected_resources.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { parsePermission, type RequestedPermission } from './parse_requested_scopes.ts';

export function acceptsPersonalAccounts({ audience }: AppRegistration): boolean {
  return audience === 'common' || audience === 'consumers';
}

/** Throws unless the authority serves the accounts of the grant; `common` serves all. */
export function checkGrantAuthority(authority: Authority, grantDirectoryId: string): void {
  const isAtConsumers = isPersonal(authority.directory?.id);
  if (isPersonal(grantDirectoryId)) {
    if (!isAtConsumers && authority.kind !== 'common') throw entraError(70000121);
  } else if (isAtConsumers) throw entraError(7000012);
}

/** The grant is revoked or expired, or its account is closed. */
export function personalGrantExpired(): EntraError {
  const description = 'The user could not be authenticated as the grant is expired. The user must sign in again.';
  return entraError(70000, {}, { suberror: 'bad_token', description });
}

/** Work accounts get 65001 instead. */
export function personalConsentMissing(): EntraError {
  const description =
    "The provided value for the input parameter 'scope' is not valid. One or more scopes requested are unauthorized or expired. The user must first sign in and grant the client application access to the requested scope.";
  return entraError(70000, {}, { description });
}

/** Throws for `.default` of a resource that is neither in the registration nor consented to. */
export function checkPersonalDefault(
  state: SandboxState,
  app: AppRegistration,
  resource: Resource,
  isConsented: boolean,
): void {
  const isListed = app.permissions.some((text) => parsePermission(state.resources, text).resource === resource);
  if (!isListed && !isConsented) throw entraError(70011, { scope: `${resource.id}/.default` });
}

/** Throws for scopes to which a personal account cannot consent at the authorize endpoint. */
export function checkPersonalScopes(
  state: SandboxState,
  app: AppRegistration,
  scope: string,
  requested: RequestedPermission[],
): void {
  for (const { resource, name, isDefault, personal } of requested) {
    if (isDefault) checkPersonalDefault(state, app, resource, false);
    else if (!personal) throw withoutNumber('invalid_scope', `The scope '${resource.id}/${name}' does not exist.`);
  }
  const resources = new Set(requested.map(({ resource }) => resource));
  const hasOwnApi = [...resources].some(({ family }) => family === 'other');
  if (resources.size > 1 && hasOwnApi) throw incompatible(scope);
}

/** Two resources in one request: never at the token endpoint; at the authorize endpoint not with a custom API. */
export function incompatible(scope: string): EntraError {
  const description = `The provided value for the input parameter 'scope' is not valid. One or more scopes in '${scope}' are not compatible with each other.`;
  return entraError(70011, {}, { description });
}

/** At the authorize endpoint, for an app that accepts work accounts only. */
export function notForConsumers(): EntraError {
  return withoutNumber('unauthorized_client', 'The client does not exist or is not enabled for consumers.');
}

function withoutNumber(error: string, text: string): EntraError {
  const prefix = error === 'invalid_scope' ? "The provided value for the input parameter 'scope' is not valid. " : '';
  return entraError(undefined, {}, { error, description: `${prefix}${text}` });
}
