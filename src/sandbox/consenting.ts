import type { AuthorizeRequest } from './authorize_request.ts';
import type { Directory } from './directory.ts';
import { type AskedPermission, parsePermission } from './scope.ts';
import type { User } from './user.ts';
import type { World } from './world.ts';

/** What is asked and neither the user nor an administrator has allowed yet; `.default` stands for the registration's list. */
export function missingConsents(
  world: World,
  asked: AuthorizeRequest,
  user: User,
  directory: Directory,
): AskedPermission[] {
  return wantedPermissions(world, asked).filter(
    ({ resource, name }) => !world.consents.of(user.objectId, directory.id, asked.app.clientId, resource.id).has(name),
  );
}

/** `prompt=consent` of a user never helps where only an administrator may consent. */
export function needsAdministrator(missing: AskedPermission[], directory: Directory): boolean {
  return missing.some((permission) => permission.adminOnly || !directory.userConsent);
}

export function recordConsent(world: World, asked: AuthorizeRequest, user: User, directory: Directory): void {
  const { clientId } = asked.app;
  world.consents.makePresent(directory.id, clientId);
  for (const { resource, name } of wantedPermissions(world, asked))
    world.consents.grant(user.objectId, clientId, resource.id, [name]);
  world.consents.grant(user.objectId, clientId, world.resources.graph.id, asked.asked.oidc);
}

export function wantedPermissions(world: World, { app, asked }: AuthorizeRequest): AskedPermission[] {
  return asked.permissions.flatMap((permission) =>
    permission.isDefault
      ? app.permissions
          .map((text) => parsePermission(world.resources, text))
          .filter((listed) => listed.resource === permission.resource)
      : [permission],
  );
}
