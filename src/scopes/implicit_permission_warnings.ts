import type { PermissionsByResource } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import type { Scopes } from './scope_translator_interface.ts';
import { administratorConsents } from './user_consent.ts';

type Consenting = Pick<App, 'cloud' | 'signInAudience' | 'implicitPermissions'>;

/** If the scopes need no administrator, but implicit permissions do: which ones, and how an app leaves them out. */
export function implicitPermissionWarnings(
  scopes: Pick<Scopes, 'resolve' | 'userConsents'>,
  app: Consenting,
  needed: PermissionsByResource,
): readonly string[] {
  const reserved = (permissions: PermissionsByResource) => administratorConsents(scopes.userConsents(permissions), app);
  if (reserved(needed).length > 0) return [];
  const causing = app.implicitPermissions.filter(
    (permission) => reserved(scopes.resolve([permission], app.cloud).permissions).length > 0,
  );
  if (causing.length === 0) return [];
  const others = app.implicitPermissions.filter((permission) => !causing.includes(permission));
  const list = others.length === 0 ? 'openid' : others.join(', ');
  return [
    `${causing.join(', ')} alone ${causing.length === 1 ? 'makes' : 'make'} an administrator necessary. Every consent requests the app's implicit permissions; the requested scopes need no administrator. If your product does not use them, set implicit_permissions of the app to ${list}.`,
  ];
}
