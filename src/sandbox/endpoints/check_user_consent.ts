import type { AppRegistration } from '../state/app_registration.ts';
import type { Directory } from '../state/entra_directories.ts';
import type { User } from '../state/entra_users.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { parsePermission, type RequestedPermission } from './parse_requested_scopes.ts';
import type { AuthorizeRequest } from './read_authorize_request.ts';

/** The requested permissions and OpenID Connect scopes to which neither the user nor an administrator has consented. */
export function missingConsents(
  state: SandboxState,
  authorizeRequest: AuthorizeRequest,
  user: User,
  directory: Directory,
): RequestedPermission[] {
  const { clientId } = authorizeRequest.app;
  return requestedPermissions(state, authorizeRequest).filter(
    ({ resource, name }) => !state.consents.of(user.objectId, directory.id, clientId, resource.id).has(name),
  );
}

/** If only an administrator may consent, `prompt=consent` of a user does not help. */
export function needsAdministrator(
  missing: RequestedPermission[],
  app: AppRegistration,
  directory: Directory,
): boolean {
  return missing.some((permission) => permission.adminOnly || !mayConsent(permission, app, directory));
}

/** https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent */
function mayConsent(permission: RequestedPermission, app: AppRegistration, directory: Directory): boolean {
  const { id, userConsent } = directory;
  if (requiresAssignment(directory, app)) return false;
  switch (userConsent) {
    case 'managed':
      return !permission.managed;
    case 'legacy':
      return true;
    case 'verified':
      return app.publisherVerified || app.directoryId === id;
    case 'none':
      return false;
  }
}

/** Users may never consent to an app that requires assignment, assigned or not. */
function requiresAssignment({ policies }: Directory, { clientId }: AppRegistration): boolean {
  return policies.some((policy) => policy.error.code === 50105 && (policy.clientId ?? clientId) === clientId);
}

export function recordConsent(
  state: SandboxState,
  authorizeRequest: AuthorizeRequest,
  user: User,
  directory: Directory,
): void {
  const { clientId } = authorizeRequest.app;
  state.consents.addServicePrincipal(directory.id, clientId);
  for (const { resource, name } of requestedPermissions(state, authorizeRequest))
    state.consents.grant(user.objectId, clientId, resource.id, [name]);
}

/** `.default` stands for the permissions of the registration; OpenID Connect scopes are permissions of Graph here. */
function requestedPermissions(
  { resources }: SandboxState,
  { app, requested }: AuthorizeRequest,
): RequestedPermission[] {
  const registered = app.permissions.map((text) => parsePermission(resources, text));
  const permissions = requested.permissions.flatMap((permission) =>
    permission.isDefault ? registered.filter(({ resource }) => resource === permission.resource) : [permission],
  );
  return [...permissions, ...[...requested.oidc].map((name) => parsePermission(resources, name))];
}
