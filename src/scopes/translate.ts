import type { Cloud } from '../model/app.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { GRAPH, resourceIn } from '../model/resource.ts';
import type { Catalog } from './catalog.ts';
import {
  fullForm,
  isFullForm,
  oidcScope,
  type Permission,
  parseAllConsented,
  parsePermission,
  permissionKey,
} from './permission.ts';
import { suggest } from './suggest.ts';

/** What one product scope stands for. */
export interface Meaning {
  /** The scope by its own name. */
  readonly scope: string;
  /** Empty for an OIDC scope. */
  readonly permissions: readonly Permission[];
}

/** From a scope as a caller spells it to its meaning; undefined: unknown. */
export type Lookup = (scope: string) => Meaning | undefined;

/** Permissions as they are known by, so that one spelling is kept however they were typed. */
export type KnownPermissions = ReadonlyMap<string, Permission>;

export function knownPermissions(catalogs: readonly Catalog[]): KnownPermissions {
  const known = new Map<string, Permission>();
  for (const permission of catalogs.flatMap((catalog) => catalog.entries.flatMap((entry) => entry.permissions))) {
    const key = permissionKey(permission);
    if (!known.has(key)) known.set(key, permission);
  }
  return known;
}

export function createLookup(catalog: Catalog, known: KnownPermissions): Lookup {
  const meanings = new Map<string, Meaning>();
  for (const { scope, aliases, permissions } of catalog.entries) {
    for (const name of [scope, ...aliases]) meanings.set(name.toLowerCase(), { scope, permissions });
  }
  return (scope) => {
    const listed = meanings.get(scope.toLowerCase());
    if (listed !== undefined) return listed;
    const all = parseAllConsented(scope);
    if (all !== undefined) return { scope: fullForm(all), permissions: [all] };
    if (!catalog.acceptsPermissions) return undefined;
    const oidc = oidcScope(scope);
    if (oidc !== undefined) return { scope: oidc, permissions: [] };
    // A bare name that is not listed is more likely a slip than one of Graph's rare ones, which can be named in full.
    if (!isFullForm(scope)) return undefined;
    const parsed = parsePermission(scope);
    if (parsed === undefined) return undefined;
    const permission = known.get(permissionKey(parsed)) ?? parsed;
    return (
      (permission.resource === GRAPH ? meanings.get(permission.name.toLowerCase()) : undefined) ??
      meanings.get(permissionKey(permission)) ?? { scope: fullForm(permission), permissions: [permission] }
    );
  };
}

/** Meanings of all scopes, each once, in the order of their names; SCOPE_UNKNOWN tells every unknown one. */
export function lookUp(catalog: Catalog, lookup: Lookup, scopes: readonly string[]): readonly Meaning[] {
  const meanings = new Map<string, Meaning>();
  const unknown: string[] = [];
  for (const scope of scopes) {
    const meaning = lookup(scope);
    if (meaning === undefined) unknown.push(scope);
    else meanings.set(meaning.scope.toLowerCase(), meaning);
  }
  if (unknown.length > 0) throw scopeUnknown(catalog, unknown);
  return [...meanings.values()].sort((a, b) => (a.scope < b.scope ? -1 : 1));
}

export function byResource(permissions: readonly Permission[], cloud: Cloud): PermissionsByResource {
  const names = new Map<string, Map<string, string>>();
  for (const { resource: globalResource, name } of permissions) {
    const resource = resourceIn(cloud, globalResource);
    const ofResource = names.get(resource) ?? new Map<string, string>();
    if (!ofResource.has(name.toLowerCase())) ofResource.set(name.toLowerCase(), name);
    names.set(resource, ofResource);
  }
  const resources = [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(resources.map(([resource, ofResource]) => [resource, [...ofResource.values()].sort()]));
}

/**
 * Of product scopes. OIDC scopes alone mean Graph: its `/oidc/userinfo` takes a token that carries nothing else, and
 * there is no access token without a resource.
 */
export function translate(meanings: readonly Meaning[], cloud: Cloud): PermissionsByResource {
  const permissions = meanings.flatMap((meaning) => meaning.permissions);
  if (permissions.length === 0 && meanings.length > 0) return { [resourceIn(cloud, GRAPH)]: [] };
  return byResource(permissions, cloud);
}

function scopeUnknown(catalog: Catalog, unknown: readonly string[]): VaultError {
  // Words of a caller go back to it cut short: status details hold 1 KB.
  const told = unknown.slice(0, 5).map((scope) => scope.slice(0, 100));
  const names = catalog.entries.map((entry) => entry.scope);
  const suggestions = [...new Set(told.flatMap((scope) => nearest(catalog, names, scope)))];
  const near =
    suggestions.length > 0 ? `did you mean ${suggestions.join(', ')}?` : 'ListCatalogs tells all that it has.';
  const inFull = catalog.acceptsPermissions ? ` What it does not list is named in full: ${GRAPH}/Mail.Read.` : '';
  return new VaultError('SCOPE_UNKNOWN', `catalog ${catalog.name} has no scope ${told.join(', ')}: ${near}${inFull}`, {
    metadata: { catalog: catalog.name, scopes: told.join(' '), suggestions: suggestions.join(' ') },
  });
}

/** A near alias counts as a near scope. */
function nearest(catalog: Catalog, names: readonly string[], scope: string): readonly string[] {
  const direct = suggest(scope, names);
  if (direct.length > 0) return direct;
  const aliases = catalog.entries.flatMap((entry) => entry.aliases);
  const near = new Set(suggest(scope, aliases));
  return catalog.entries.filter((entry) => entry.aliases.some((alias) => near.has(alias))).map((entry) => entry.scope);
}
