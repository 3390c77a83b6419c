import { type EntraError, entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { Authority, Directory } from '../state/directory.ts';
import { policiesFor } from '../state/matching_policies.ts';
import { isPersonal } from '../state/personal_account.ts';
import type { RequestRecord } from '../state/request_log.ts';
import type { Resource } from '../state/resource.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';
import { checkPersonalDefault, incompatible, personalConsentMissing } from './personal_account.ts';
import { type AskedScopes, parseScopes } from './requested_scopes.ts';

/** A request to the token endpoint whose client has proved itself. */
export interface TokenRequest {
  app: AppRegistration;
  authority: Authority;
  form: URLSearchParams;
  record: RequestRecord;
}

export interface GrantedResource {
  resource: Resource;
  permissions: Set<string>;
  asked: AskedScopes;
}

/**
 * One token is for one resource: two in one request are refused. Without a scope it is the first that was consented to.
 * No policy must stand against it, and what is asked must have been consented to (65001); the token then carries all that was.
 */
export function grantResource(
  world: SandboxState,
  parts: {
    app: AppRegistration;
    user: User;
    directory: Directory;
    /** Undefined: as at the consent. */
    scope: string | undefined;
    grantedScope: string;
    record: RequestRecord;
  },
): GrantedResource {
  const { app, user, directory } = parts;
  const asked = parseScopes(world.resources, parts.scope ?? parts.grantedScope);
  const resource = asked.permissions[0]?.resource ?? world.resources.graph;
  parts.record.resource = resource.id;
  const [policy] = policiesFor({ directory, user, resourceId: resource.id, clientId: app.clientId });
  if (policy !== undefined) throw policy.error;
  const permissions = world.consents.of(user.objectId, directory.id, app.clientId, resource.id);
  const wanted = asked.permissions.filter((permission) => permission.resource === resource);
  const { scope } = parts;
  if (scope !== undefined && wanted.length < asked.permissions.length)
    throw isPersonal(directory.id) ? incompatible(scope) : entraError(28000);
  const isAllowed = permissions.size > 0 && wanted.every(({ name, isDefault }) => isDefault || permissions.has(name));
  if (isPersonal(directory.id)) {
    if (wanted.some(({ isDefault }) => isDefault)) checkPersonalDefault(world, app, resource, permissions.size > 0);
    if (!isAllowed) throw personalConsentMissing();
  }
  if (!isAllowed) throw entraError(65001, { client: app.clientId, name: app.displayName });
  return { resource, permissions, asked };
}

/** A code or refresh token that nobody issued. */
export function damagedGrant(authority: Authority): EntraError {
  const isAtConsumers = authority.directory !== undefined && isPersonal(authority.directory.id);
  return isAtConsumers ? entraError(7000012) : entraError(9002313, {}, { error: 'invalid_grant' });
}

export function required(form: URLSearchParams, parameter: string): string {
  const value = form.get(parameter);
  if (value === null || value === '') throw entraError(900144, { parameter });
  return value;
}
