import type { App } from '../model/app.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Scopes } from '../scopes/scopes.ts';

/** What a connection shall be able to do, in the product's words and in Entra's. */
export interface Asked {
  readonly productScopes: readonly string[];
  /** What the product scopes need. Never without a resource. */
  readonly needed: PermissionsByResource;
}

/** Asked for at every consent: an id token tells whose account it is, and without `offline_access` there is no refresh token. */
export const OIDC_SCOPES: readonly string[] = ['offline_access', 'openid', 'email', 'profile'];

/** SCOPE_UNKNOWN; FIELD_INVALID for none at all. */
export function asked(scopes: Scopes, tenant: Tenant, app: App, requested: readonly string[]): Asked {
  if (requested.length === 0) throw fieldInvalid('scopes', 'name at least one product scope');
  const catalog = catalogOf(tenant, app);
  // OIDC scopes are asked for anyway; alone they mean Graph, where the catalog takes them.
  const proper = requested.filter((scope) => !isOidcScope(scope));
  const named = proper.length === 0 ? requested : proper;
  return {
    productScopes: scopes.canonical(catalog, named),
    needed: scopes.translate(catalog, named, app.cloud),
  };
}

/** What is needed, with what the app always asks for: what somebody is asked to consent to. */
export function consentedWith(scopes: Scopes, app: App, needed: PermissionsByResource): PermissionsByResource {
  return union(needed, scopes.resolve(app.implicitPermissions, app.cloud).permissions);
}

export function catalogOf(tenant: Tenant, app: App): string {
  return app.catalog ?? tenant.catalog;
}

/** Full form, as the authorize endpoint wants them: permissions of all resources, and the OIDC scopes that bring an id token and a refresh token. */
export function authorizeScopes(permissions: PermissionsByResource): readonly string[] {
  return [...Object.keys(permissions).flatMap((resource) => fullForm(permissions, resource)), ...OIDC_SCOPES];
}

/** `https://graph.microsoft.com/Mail.Read`, of one resource. */
export function fullForm(permissions: PermissionsByResource, resource: string): readonly string[] {
  return (permissions[resource] ?? []).map((name) => `${resource}/${name}`);
}

export function withoutOidcScopes(permissions: readonly string[]): readonly string[] {
  return permissions.filter((name) => !isOidcScope(name));
}

function union(one: PermissionsByResource, other: PermissionsByResource): PermissionsByResource {
  const resources = unique([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(
    resources.map((resource) => [resource, unique([...(one[resource] ?? []), ...(other[resource] ?? [])])]),
  );
}

/** Entra compares permission names without case. */
function unique(names: readonly string[]): readonly string[] {
  const seen = new Map<string, string>();
  for (const name of names) if (!seen.has(name.toLowerCase())) seen.set(name.toLowerCase(), name);
  return [...seen.values()].sort();
}

function isOidcScope(scope: string): boolean {
  return OIDC_SCOPES.includes(scope.toLowerCase());
}
