import type { Cloud } from '../model/app.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { ALL_CONSENTED } from '../model/resource.ts';
import type { Catalog } from './catalog.ts';
import { type Coverage, createCoverage } from './coverage.ts';
import { createMemo } from './memoize.ts';
import { fullForm, oidcScope, parsePermission, permissionKey } from './permission.ts';
import { plainWords } from './scope_descriptions.ts';
import type { CatalogDescription, Scopes, TokenScope } from './scopes.ts';
import { byResource, createLookup, knownPermissions, type Lookup, lookUp, translate } from './translate.ts';

const PERMISSIONS = 'microsoft';
const NONE: readonly string[] = [];

interface Ready {
  readonly catalog: Catalog;
  readonly lookup: Lookup;
  readonly coverage: Coverage;
  readonly description: CatalogDescription;
}

export function createScopes({ catalogs }: { catalogs: readonly Catalog[] }): Scopes {
  const permissionsCatalog = catalogs.find((catalog) => catalog.name === PERMISSIONS);
  const known = knownPermissions([...(permissionsCatalog ? [permissionsCatalog] : []), ...catalogs]);
  const byName = new Map(
    catalogs.map((catalog): [string, Ready] => {
      const coverage = createCoverage(catalog, permissionsCatalog);
      const description = describeCatalog(catalog, coverage);
      return [catalog.name, { catalog, lookup: createLookup(catalog, known), coverage, description }];
    }),
  );
  const descriptions = [...byName.values()].map(({ description }) => description);
  const tokenScopes = createMemo<TokenScope>(2_000);
  // An import of thousands asks the same of each.
  const canonicals = createMemo<readonly string[]>(2_000);
  const translations = createMemo<PermissionsByResource>(2_000);
  const reaches = createMemo<ReadonlySet<string>>(2_000);

  function ready(name: string): Ready {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw fieldInvalid('catalog', `there is no catalog of that name; known are ${[...byName.keys()].join(', ')}`);
  }

  /** The number of scopes is in the key, so that a scope with a space in it is never taken for two known ones. */
  function keyOf(name: string, scopes: readonly string[], cloud = ''): string {
    return `${cloud} ${scopes.length} ${name} ${scopes.join(' ')}`;
  }

  function forToken(name: string, scopes: readonly string[], cloud: Cloud): TokenScope {
    if (scopes.length === 0) throw fieldInvalid('scopes', 'at least one is needed');
    const { catalog, lookup } = ready(name);
    const [first, ...others] = Object.entries(translate(lookUp(catalog, lookup, scopes), cloud));
    if (first !== undefined && others.length === 0) return { resource: first[0], permissions: withoutAll(first[1]) };
    const resources = [first, ...others].flatMap((entry) => entry?.[0] ?? []);
    throw new VaultError(
      'SCOPES_SPAN_RESOURCES',
      `one token is for one resource, and these scopes need ${resources.join(' and ')}; ask for a token for each`,
      { metadata: { resources: resources.join(' ') } },
    );
  }

  return {
    catalogs: () => descriptions,
    hasCatalog: (name) => byName.has(name),

    canonical: (name, scopes) =>
      canonicals(keyOf(name, scopes), () => {
        const { catalog, lookup } = ready(name);
        return lookUp(catalog, lookup, scopes).map((meaning) => meaning.scope);
      }),

    translate: (name, scopes, cloud) =>
      translations(keyOf(name, scopes, cloud), () => {
        const { catalog, lookup } = ready(name);
        return translate(lookUp(catalog, lookup, scopes), cloud);
      }),

    translateForToken: (name, scopes, cloud) =>
      tokenScopes(keyOf(name, scopes, cloud), () => forToken(name, scopes, cloud)),

    resolve(permissions, cloud) {
      const oidcScopes = permissions.flatMap((text) => oidcScope(text) ?? []);
      const parsed = permissions
        .filter((text) => oidcScope(text) === undefined)
        .flatMap((text) => parsePermission(text) ?? [])
        .map((permission) => known.get(permissionKey(permission)) ?? permission);
      return { permissions: byResource(parsed, cloud), oidcScopes: [...new Set(oidcScopes)].sort() };
    },

    missing(name, granted, needed) {
      // Almost always all are granted by their own names; covers are looked at only where one is not.
      if (needed.every((permission) => granted.includes(permission))) return NONE;
      // Imported unverified with `.default`: what it stands for is known after the first redemption.
      if (granted.includes(ALL_CONSENTED)) return NONE;
      const { coverage } = ready(name);
      const reached = reaches(`${name} ${granted.join(' ')}`, () => coverage.reach(granted));
      return withoutAll(needed).filter((permission) => !reached.has(permission.toLowerCase()));
    },

    plainWords: (name, asked) => plainWords({ ...ready(name), permissionsCatalog }, asked),
  };
}

/** `.default` is satisfied by whatever is granted. */
function withoutAll(permissions: readonly string[]): readonly string[] {
  return permissions.filter((permission) => permission !== ALL_CONSENTED);
}

function describeCatalog(catalog: Catalog, coverage: Coverage): CatalogDescription {
  return {
    name: catalog.name,
    version: catalog.version,
    description: catalog.description,
    source: catalog.source,
    implicitPermissions: catalog.implicitPermissions,
    acceptsPermissions: catalog.acceptsPermissions,
    scopes: catalog.entries.map((entry) => ({
      scope: entry.scope,
      aliases: entry.aliases,
      description: entry.description,
      permissions: entry.permissions.map(fullForm),
      covers: coverage.coveredBy(entry),
    })),
  };
}
