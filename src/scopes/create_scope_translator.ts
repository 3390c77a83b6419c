import type { PermissionsByResource } from '../model/connection.ts';
import type { Cloud } from '../model/entra_app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { ALL_CONSENTED } from '../model/microsoft_resource_uri.ts';
import { createMemo } from './bounded_memo.ts';
import { consentTexts } from './consent_texts.ts';
import { fullForm, oidcScope, parsePermission, permissionKey } from './delegated_permission.ts';
import { type Coverage, createCoverage } from './implied_permissions.ts';
import type { Catalog } from './parse_scope_catalog.ts';
import { createScopeCeilings, meaningOf } from './scope_ceiling.ts';
import type { CatalogDescription, Scopes, TokenScope } from './scope_translator_interface.ts';
import { byResource, createLookup, knownPermissions, type Lookup, lookUp, translate } from './translate_scopes.ts';
import { type ConsentRules, consentsOf, createConsentRules, strictestRule } from './user_consent.ts';

const PERMISSIONS = 'microsoft';
const NONE: readonly string[] = [];

interface LoadedCatalog {
  readonly catalog: Catalog;
  readonly lookup: Lookup;
  readonly coverage: Coverage;
  readonly description: CatalogDescription;
}

export function createScopes({ catalogs }: { catalogs: readonly Catalog[] }): Scopes {
  const permissionsCatalog = catalogs.find((catalog) => catalog.name === PERMISSIONS);
  const inOrder = [...(permissionsCatalog ? [permissionsCatalog] : []), ...catalogs];
  const known = knownPermissions(inOrder);
  const consentRules = createConsentRules(inOrder);
  const byName = new Map(
    catalogs.map((catalog): [string, LoadedCatalog] => {
      const coverage = createCoverage(catalog, permissionsCatalog);
      const description = describeCatalog(catalog, coverage, consentRules);
      return [catalog.name, { catalog, lookup: createLookup(catalog, known), coverage, description }];
    }),
  );
  const descriptions = [...byName.values()].map(({ description }) => description);
  const tokenScopes = createMemo<TokenScope>(2_000);
  // Each line of a large import resolves the same scopes.
  const canonicals = createMemo<readonly string[]>(2_000);
  const translations = createMemo<PermissionsByResource>(2_000);
  const ceilings = createScopeCeilings(known);
  const reaches = createMemo<ReadonlySet<string>>(2_000);

  function loaded(name: string): LoadedCatalog {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw fieldInvalid('catalog', `must be a known catalog: ${[...byName.keys()].join(', ')}`);
  }

  /** The key contains the number of scopes, so that one scope with a space in it does not match two. */
  function keyOf(name: string, scopes: readonly string[], cloud = ''): string {
    return `${cloud} ${scopes.length} ${name} ${scopes.join(' ')}`;
  }

  function forToken(name: string, scopes: readonly string[], cloud: Cloud): TokenScope {
    if (scopes.length === 0) throw fieldInvalid('scopes', 'must have at least one entry');
    const { catalog, lookup } = loaded(name);
    const [first, ...others] = Object.entries(translate(lookUp(catalog, lookup, scopes), cloud));
    if (first !== undefined && others.length === 0) return { resource: first[0], permissions: withoutAll(first[1]) };
    const resources = [first, ...others].flatMap((entry) => entry?.[0] ?? []);
    throw new VaultError(
      'SCOPES_SPAN_RESOURCES',
      `A token is for one resource, but these scopes need ${resources.join(' and ')}. Request one token for each.`,
      { metadata: { resources: resources.join(' ') } },
    );
  }

  return {
    catalogs: () => descriptions,
    hasCatalog: (name) => byName.has(name),

    canonical: (name, scopes) =>
      canonicals(keyOf(name, scopes), () => {
        const { catalog, lookup } = loaded(name);
        return lookUp(catalog, lookup, scopes).map((meaning) => meaning.scope);
      }),

    translate: (name, scopes, cloud) =>
      translations(keyOf(name, scopes, cloud), () => {
        const { catalog, lookup } = loaded(name);
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

    userConsents: (permissions) => consentsOf(consentRules, permissions),

    missing(name, granted, needed) {
      // The common case, without the cost of coverage.
      if (needed.every((permission) => granted.includes(permission))) return NONE;
      // Imported without verification, with `.default`: its permissions are known after the first redemption.
      if (granted.includes(ALL_CONSENTED)) return NONE;
      const { coverage } = loaded(name);
      const reached = reaches(`${name} ${granted.join(' ')}`, () => coverage.reach(granted));
      return withoutAll(needed).filter((permission) => !reached.has(permission.toLowerCase()));
    },

    aboveCeiling(name, ceiling, cloud, resource, permissions) {
      const { lookup, coverage } = loaded(name);
      return ceilings.above(ceiling, { catalog: name, lookup, coverage, cloud, resource }, permissions);
    },

    isScopeOrPermission: (text) =>
      [...byName.values()].some(({ lookup }) => meaningOf(text, lookup, known) !== undefined),

    consentTexts: (name, asked) => consentTexts({ ...loaded(name), permissionsCatalog }, asked),
  };
}

/** Any grant satisfies `.default`. */
function withoutAll(permissions: readonly string[]): readonly string[] {
  return permissions.filter((permission) => permission !== ALL_CONSENTED);
}

function describeCatalog(catalog: Catalog, coverage: Coverage, rules: ConsentRules): CatalogDescription {
  const scopes = catalog.entries.map((entry) => {
    const permissions = entry.permissions.map(fullForm);
    const consent = strictestRule(permissions.map(rules));
    return { ...entry, permissions, covers: coverage.coveredBy(entry), consent };
  });
  return { ...catalog, scopes };
}
