import { entraError } from '../errors/entra_error.ts';
import { OIDC_SCOPES, type Permission, type Resource, type Resources } from '../state/protected_resources.ts';

export interface RequestedScopes {
  /** `openid`, `profile`, `email`, `offline_access`, which belong to no resource. */
  oidc: Set<string>;
  /** In the order of the request. */
  permissions: RequestedPermission[];
}

export interface RequestedPermission extends Permission {
  resource: Resource;
  isDefault: boolean;
  /** False: the resource has no permission of that name. */
  known: boolean;
}

/** Reads a `scope` parameter. A bare permission belongs to Graph; an unknown resource is an error (500011). */
export function parseScopes(resources: Resources, text: string): RequestedScopes {
  const requested: RequestedScopes = { oidc: new Set(), permissions: [] };
  for (const word of text.split(/\s+/)) {
    if (word === '') continue;
    if (OIDC_SCOPES.includes(word.toLowerCase())) requested.oidc.add(word.toLowerCase());
    else requested.permissions.push(parsePermission(resources, word));
  }
  return requested;
}

export function parsePermission(resources: Resources, word: string): RequestedPermission {
  const slash = word.lastIndexOf('/');
  const resource = slash < 0 ? resources.graph : resources.find(word.slice(0, slash));
  if (resource === undefined) throw entraError(500011, { resource: word.slice(0, slash) });
  const name = word.slice(slash + 1);
  if (name === '') throw entraError(70011, { scope: word });
  // `https://graph.microsoft.com/openid` equals `openid`: Graph has the four names as permissions.
  const permission = resource.permissions?.get(name.toLowerCase());
  const isOpen = resource.permissions === undefined;
  return {
    ...(permission ?? { name, adminOnly: false, managed: false, personal: isOpen }),
    resource,
    isDefault: name.toLowerCase() === '.default',
    known: isOpen || permission !== undefined,
  };
}

/** The resource of the first permission, for which the token is issued. An unknown resource is returned as it is. */
export function firstResource(resources: Resources, text: string): string {
  const word = text.split(/\s+/).find((part) => part !== '' && !OIDC_SCOPES.includes(part.toLowerCase())) ?? '';
  const slash = word.lastIndexOf('/');
  const id = slash < 0 ? resources.graph.id : word.slice(0, slash);
  return resources.find(id)?.id ?? id;
}

/** The form in which consents and refresh tokens store it. */
export function canonicalScope(permission: { resource: Resource; name: string }): string {
  return `${permission.resource.id}/${permission.name}`;
}
