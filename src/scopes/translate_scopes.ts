import type { PermissionsByResource } from '../model/connection.ts';
import type { Cloud } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import { GRAPH, resourceIn } from '../model/microsoft_resource_uri.ts';
import {
  fullForm,
  isFullForm,
  oidcScope,
  type Permission,
  parseAllConsented,
  parsePermission,
  permissionKey,
} from './delegated_permission.ts';
import type { Catalog } from './parse_scope_catalog.ts';
import { suggest } from './suggest_similar_scope.ts';

/** The permissions of one product scope. */
export interface Meaning {
  /** The scope's name, not an alias. */
  readonly scope: string;
  /** Empty for an OIDC scope. */
  readonly permissions: readonly Permission[];
}

/** Finds the meaning of a scope in a caller's spelling; undefined if unknown. */
export type Lookup = (scope: string) => Meaning | undefined;

/** Permissions by their keys, so that all spellings become that of the catalog. */
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
    // An unlisted bare name is more likely a typo than a rare permission of Graph, which can be named in full.
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

/** Meanings of all scopes, unique, in the order of their names. SCOPE_UNKNOWN lists every unknown one. */
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
 * OIDC scopes alone mean Graph: its `/oidc/userinfo` accepts a token without permissions, and there is no access token
 * without a resource.
 */
export function translate(meanings: readonly Meaning[], cloud: Cloud): PermissionsByResource {
  const permissions = meanings.flatMap((meaning) => meaning.permissions);
  if (permissions.length === 0 && meanings.length > 0) return { [resourceIn(cloud, GRAPH)]: [] };
  return byResource(permissions, cloud);
}

function scopeUnknown(catalog: Catalog, unknown: readonly string[]): VaultError {
  // Truncated, because status details hold at most 1 KB.
  const listed = unknown.slice(0, 5).map((scope) => scope.slice(0, 100));
  const names = catalog.entries.map((entry) => entry.scope);
  const suggestions = [...new Set(listed.flatMap((scope) => nearest(catalog, names, scope)))];
  const hint = suggestions.length > 0 ? `Did you mean ${suggestions.join(', ')}?` : 'ListCatalogs lists its scopes.';
  const inFull = catalog.acceptsPermissions ? ` Name unlisted permissions in full, such as ${GRAPH}/Mail.Read.` : '';
  return new VaultError(
    'SCOPE_UNKNOWN',
    `Catalog ${catalog.name} has no scope ${listed.join(', ')}. ${hint}${inFull}`,
    {
      metadata: { catalog: catalog.name, scopes: listed.join(' '), suggestions: suggestions.join(' ') },
    },
  );
}

/** A similar alias counts as a similar scope. */
function nearest(catalog: Catalog, names: readonly string[], scope: string): readonly string[] {
  const direct = suggest(scope, names);
  if (direct.length > 0) return direct;
  const aliases = catalog.entries.flatMap((entry) => entry.aliases);
  const near = new Set(suggest(scope, aliases));
  return catalog.entries.filter((entry) => entry.aliases.some((alias) => near.has(alias))).map((entry) => entry.scope);
}
