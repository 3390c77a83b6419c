import { type EntraError, entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { Authority } from '../state/directory.ts';
import { isPersonal } from '../state/personal_account.ts';
import type { Resource } from '../state/resource.ts';
import type { SandboxState } from '../state/state.ts';
import { type AskedPermission, parsePermission } from './requested_scopes.ts';

export function takesPersonalAccounts({ audience }: AppRegistration): boolean {
  return audience === 'common' || audience === 'consumers';
}

/** The authority must be one of the accounts to which the grant belongs; `common` is for both. */
export function checkGrantAuthority(authority: Authority, grantDirectoryId: string): void {
  const isAtConsumers = authority.directory !== undefined && isPersonal(authority.directory.id);
  if (isPersonal(grantDirectoryId)) {
    if (!isAtConsumers && authority.kind !== 'common') throw entraError(70000121);
  } else if (isAtConsumers) throw entraError(7000012);
}

/** Revoked, expired, or of an account that is closed. */
export function personalGrantExpired(): EntraError {
  const description = 'The user could not be authenticated as the grant is expired. The user must sign in again.';
  return entraError(70000, {}, { suberror: 'bad_token', description });
}

/** Where a work account hears 65001. */
export function personalConsentMissing(): EntraError {
  const description =
    "The provided value for the input parameter 'scope' is not valid. One or more scopes requested are unauthorized or expired. The user must first sign in and grant the client application access to the requested scope.";
  return entraError(70000, {}, { description });
}

/** `.default` of a resource that is neither listed in the registration nor consented to. */
export function checkPersonalDefault(
  world: SandboxState,
  app: AppRegistration,
  resource: Resource,
  isConsented: boolean,
): void {
  const isListed = app.permissions.some((text) => parsePermission(world.resources, text).resource === resource);
  if (!isListed && !isConsented) throw entraError(70011, { scope: `${resource.id}/.default` });
}

/** What a personal account cannot consent to, at the authorize endpoint. */
export function checkPersonalScopes(
  world: SandboxState,
  app: AppRegistration,
  scope: string,
  asked: AskedPermission[],
): void {
  for (const { resource, name, isDefault, personal } of asked) {
    if (isDefault) checkPersonalDefault(world, app, resource, false);
    else if (!personal) throw withoutNumber('invalid_scope', `The scope '${resource.id}/${name}' does not exist.`);
  }
  const resources = new Set(asked.map(({ resource }) => resource));
  const hasOwnApi = [...resources].some(({ family }) => family === 'other');
  if (resources.size > 1 && hasOwnApi) throw incompatible(scope);
}

/** Two resources in one request: at the token endpoint never, at the authorize endpoint not with an API of one's own. */
export function incompatible(scope: string): EntraError {
  const description = `The provided value for the input parameter 'scope' is not valid. One or more scopes in '${scope}' are not compatible with each other.`;
  return entraError(70011, {}, { description });
}

/** At the authorize endpoint, for an app that is for work accounts only. */
export function notForConsumers(): EntraError {
  return withoutNumber('unauthorized_client', 'The client does not exist or is not enabled for consumers.');
}

function withoutNumber(error: string, text: string): EntraError {
  const prefix = error === 'invalid_scope' ? "The provided value for the input parameter 'scope' is not valid. " : '';
  return entraError(undefined, {}, { error, description: `${prefix}${text}` });
}
