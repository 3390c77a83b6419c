import type { AppRegistration } from '../state/app_registration.ts';
import type { Directory } from '../state/directory.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';
import type { AuthorizeRequest } from './authorize_request.ts';
import { type AskedPermission, parsePermission } from './requested_scopes.ts';

/** What is asked, OIDC scopes among it, and neither the user nor an administrator has allowed yet. */
export function missingConsents(
  world: SandboxState,
  asked: AuthorizeRequest,
  user: User,
  directory: Directory,
): AskedPermission[] {
  return wantedPermissions(world, asked).filter(
    ({ resource, name }) => !world.consents.of(user.objectId, directory.id, asked.app.clientId, resource.id).has(name),
  );
}

/** `prompt=consent` of a user never helps where only an administrator may consent. */
export function needsAdministrator(missing: AskedPermission[], app: AppRegistration, directory: Directory): boolean {
  return missing.some((permission) => permission.adminOnly || !mayConsent(permission, app, directory));
}

/** https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent */
function mayConsent(permission: AskedPermission, app: AppRegistration, { id, userConsent }: Directory): boolean {
  if (userConsent === 'verified') return app.publisherVerified || app.directoryId === id;
  return userConsent === 'microsoft-user-default-recommended' ? !permission.managed : userConsent;
}

export function recordConsent(world: SandboxState, asked: AuthorizeRequest, user: User, directory: Directory): void {
  const { clientId } = asked.app;
  world.consents.makePresent(directory.id, clientId);
  for (const { resource, name } of wantedPermissions(world, asked))
    world.consents.grant(user.objectId, clientId, resource.id, [name]);
}

/** `.default` stands for the registration's list; OIDC scopes are permissions of Graph's here. */
function wantedPermissions(world: SandboxState, { app, asked }: AuthorizeRequest): AskedPermission[] {
  const signIn = [...asked.oidc].map((name) => parsePermission(world.resources, name));
  const permissions = asked.permissions.flatMap((permission) =>
    permission.isDefault
      ? app.permissions
          .map((text) => parsePermission(world.resources, text))
          .filter((listed) => listed.resource === permission.resource)
      : [permission],
  );
  return [...permissions, ...signIn];
}
