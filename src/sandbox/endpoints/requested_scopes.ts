import { entraError } from '../errors/entra_error.ts';
import { OIDC_SCOPES, type Resource, type Resources } from '../state/resource.ts';

export interface AskedScopes {
  /** `openid`, `profile`, `email`, `offline_access`: no permissions of a resource. */
  oidc: Set<string>;
  /** In the order asked. */
  permissions: AskedPermission[];
}

export interface AskedPermission {
  resource: Resource;
  /** Spelled as the resource spells it. */
  name: string;
  isDefault: boolean;
  /** False for a name that the resource does not have. */
  known: boolean;
  adminOnly: boolean;
  /** An administrator's matter where Microsoft manages consent. */
  managed: boolean;
  /** Personal accounts have it. */
  personal: boolean;
}

/** Reads a `scope` parameter. A bare permission means Graph; unknown resources are refused (500011). */
export function parseScopes(resources: Resources, text: string): AskedScopes {
  const asked: AskedScopes = { oidc: new Set(), permissions: [] };
  for (const word of text.split(/\s+/)) {
    if (word === '') continue;
    if (OIDC_SCOPES.includes(word.toLowerCase())) asked.oidc.add(word.toLowerCase());
    else asked.permissions.push(parsePermission(resources, word));
  }
  return asked;
}

export function parsePermission(resources: Resources, word: string): AskedPermission {
  const slash = word.lastIndexOf('/');
  const resource = slash < 0 ? resources.graph : resources.find(word.slice(0, slash));
  if (resource === undefined) throw entraError(500011, { resource: word.slice(0, slash) });
  const name = word.slice(slash + 1);
  if (name === '') throw entraError(70011, { scope: word });
  // `https://graph.microsoft.com/openid` is the same as `openid`, and harmless here: Graph knows the four names.
  const permission = resource.permissions?.get(name.toLowerCase());
  return {
    resource,
    name: permission?.name ?? name,
    isDefault: name.toLowerCase() === '.default',
    known: resource.permissions === undefined || permission !== undefined,
    adminOnly: permission?.adminOnly ?? false,
    managed: permission?.managed ?? false,
    personal: permission?.personal ?? resource.permissions === undefined,
  };
}

/** Of the first permission, which is that of the token. Names that nobody registered are given back as they are. */
export function firstResource(resources: Resources, text: string): string {
  const word = text.split(/\s+/).find((part) => part !== '' && !OIDC_SCOPES.includes(part.toLowerCase())) ?? '';
  const slash = word.lastIndexOf('/');
  const id = slash < 0 ? resources.graph.id : word.slice(0, slash);
  return resources.find(id)?.id ?? id;
}

/** The canonical form that consents and refresh tokens keep. */
export function canonicalScope(permission: { resource: Resource; name: string }): string {
  return `${permission.resource.id}/${permission.name}`;
}
