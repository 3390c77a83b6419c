import type { Connection, PermissionsByResource } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import { ALL_CONSENTED, resourceIn, scopesOf } from '../model/microsoft_resource_uri.ts';
import type { Tenant } from '../model/tenant.ts';
import { parseAllConsented } from '../scopes/delegated_permission.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';

/** The scopes of a connection, as product scopes and as Entra permissions. */
export interface RequestedScopes {
  readonly productScopes: readonly string[];
  /** What the product scopes need. Never without a resource. */
  readonly needed: PermissionsByResource;
}

/** Part of every consent: the id token names the account, and without `offline_access` there is no refresh token. */
export const OIDC_SCOPES: readonly string[] = ['offline_access', 'openid', 'email', 'profile'];

/** SCOPE_UNKNOWN; FIELD_INVALID for no scope, and for `.default` together with permissions. */
export function requestedScopes(
  scopes: Scopes,
  tenant: Tenant,
  app: App,
  requested: readonly string[],
): RequestedScopes {
  if (requested.length === 0) throw fieldInvalid('scopes', 'must name at least one product scope');
  const catalog = catalogOf(tenant, app);
  // OIDC scopes are always requested; alone they mean Graph, if the catalog has them.
  const proper = requested.filter((scope) => !isOidcScope(scope));
  const named = proper.length === 0 ? requested : proper;
  const needed = scopes.translate(catalog, named, app.cloud);
  checkNotMixed(needed);
  return { productScopes: scopes.canonical(catalog, named), needed };
}

/** https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope */
function checkNotMixed(needed: PermissionsByResource): void {
  const permissions = Object.values(needed);
  if (!requestsAll(needed) || permissions.every((names) => names.every((name) => name === ALL_CONSENTED))) return;
  const [all] = Object.keys(needed).filter((resource) => needed[resource]?.includes(ALL_CONSENTED));
  throw fieldInvalid(
    'scopes',
    `Entra accepts ${all}/.default only without other permissions. Name the permissions of ${all} one by one.`,
  );
}

/**
 * `X/.default` means the connection's own scopes of X. Without such scopes it stays, and requests from Entra what the
 * registration lists.
 */
export function withOwnScopes(
  scopes: Scopes,
  { tenant, app, connection }: { readonly tenant: Tenant; readonly app: App; readonly connection: Connection },
  requested: readonly string[],
): readonly string[] {
  const catalog = catalogOf(tenant, app);
  return requested.flatMap((scope) => {
    const all = parseAllConsented(scope);
    if (all === undefined) return [scope];
    const resource = resourceIn(app.cloud, all.resource);
    const own = connection.productScopes.filter((one) => resource in scopes.translate(catalog, [one], app.cloud));
    return own.length === 0 ? [scope] : own;
  });
}

function requestsAll(needed: PermissionsByResource): boolean {
  return Object.values(needed).some((names) => names.includes(ALL_CONSENTED));
}

/** What a consent covers: the needed permissions and those that the app always requests. `.default` is requested alone. */
export function consentedWith(scopes: Scopes, app: App, needed: PermissionsByResource): PermissionsByResource {
  if (requestsAll(needed)) return needed;
  return union(needed, scopes.resolve(app.implicitPermissions, app.cloud).permissions);
}

export function catalogOf(tenant: Tenant, app: App): string {
  return app.catalog ?? tenant.catalog;
}

/**
 * Full form, as the authorize endpoint accepts them: permissions of all resources, and the OIDC scopes for an id token and a refresh token.
 * One `.default` requests all that the registration lists, of every resource. Only the OIDC scopes that MSAL adds are allowed with it.
 */
export function authorizeScopes(permissions: PermissionsByResource): readonly string[] {
  const [first] = Object.keys(permissions);
  if (first !== undefined && requestsAll(permissions)) {
    return [...fullForm(permissions, first), ...OIDC_SCOPES.filter((scope) => scope !== 'email')];
  }
  return [...Object.keys(permissions).flatMap((resource) => fullForm(permissions, resource)), ...OIDC_SCOPES];
}

/** Of one resource: `https://graph.microsoft.com/Mail.Read`. */
export function fullForm(permissions: PermissionsByResource, resource: string): readonly string[] {
  return scopesOf(resource, permissions[resource] ?? []);
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
