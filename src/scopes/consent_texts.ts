import { ALL_CONSENTED, GRAPH } from '../model/microsoft_resource_uri.ts';
import { fullForm, oidcScope, type Permission, parsePermission, permissionKey } from './delegated_permission.ts';
import type { Coverage } from './implied_permissions.ts';
import type { Catalog, CatalogEntry } from './parse_scope_catalog.ts';
import type { ConsentRequest, ConsentTexts } from './scope_translator_interface.ts';
import type { Lookup } from './translate_scopes.ts';

/** The text of one scope or permission on the consent page. */
interface Item {
  readonly text: string;
  readonly permissions: readonly Permission[];
}

interface Sources {
  readonly catalog: Catalog;
  readonly lookup: Lookup;
  readonly coverage: Coverage;
  /** Describes permissions that the catalog itself does not. */
  readonly permissionsCatalog: Catalog | undefined;
}

/** Leaves out what another item covers: scopes by other scopes, implicit permissions also by the scopes. */
export function consentTexts(sources: Sources, asked: ConsentRequest): ConsentTexts {
  const { coverage } = sources;
  const scopes = uncovered(coverage, scopeItems(sources, asked.scopes), []);
  const implicit = uncovered(coverage, permissionItems(sources, asked.implicit), scopes);
  const oidc = oidcTexts(sources, asked.implicit);
  return { scopes: textsOf(scopes), implicit: [...textsOf(implicit), ...oidc] };
}

function scopeItems({ catalog, lookup }: Sources, scopes: readonly string[]): readonly Item[] {
  // oidcTexts describes OIDC scopes.
  const meanings = scopes
    .filter((scope) => oidcScope(scope) === undefined)
    .map((scope) => lookup(scope) ?? { scope, permissions: [] });
  const names = new Set(meanings.map((meaning) => meaning.scope));
  const listed = catalog.entries.filter((entry) => names.has(entry.scope));
  const unlisted = meanings.filter((meaning) => !listed.some((entry) => entry.scope === meaning.scope));
  return [
    ...listed.map(itemOf),
    ...unlisted.map(({ scope, permissions }) => ({ text: unlistedText(scope, permissions), permissions })),
  ];
}

function permissionItems({ catalog, permissionsCatalog }: Sources, texts: readonly string[]): readonly Item[] {
  const permissions = texts.flatMap((text) => (oidcScope(text) === undefined ? (parsePermission(text) ?? []) : []));
  return permissions.map((permission) => {
    const entry = [catalog, permissionsCatalog]
      .flatMap((source) => source?.entries ?? [])
      .find(({ permissions: [first, ...others] }) => first && others.length === 0 && isSame(first, permission));
    return entry === undefined ? { text: nameOf(permission), permissions: [permission] } : itemOf(entry);
  });
}

function oidcTexts({ permissionsCatalog }: Sources, texts: readonly string[]): readonly string[] {
  const asked = new Set(texts.map(oidcScope));
  const described = permissionsCatalog?.oidcScopes ?? [];
  return described
    .filter(({ scopes }) => scopes.some((scope) => asked.has(scope)))
    .map(({ description }) => description);
}

/** From the end, so that of two that cover each other the first of the catalog stays. */
function uncovered(coverage: Coverage, all: readonly Item[], others: readonly Item[]): readonly Item[] {
  return all.reduceRight((kept, one) => {
    const rest = [...kept.filter((other) => other !== one), ...others].flatMap(({ permissions }) => permissions);
    return isCovered(coverage, one, rest) ? kept.filter((other) => other !== one) : kept;
  }, all);
}

function isCovered(coverage: Coverage, { permissions }: Item, others: readonly Permission[]): boolean {
  return (
    permissions.length > 0 &&
    permissions.every(({ resource, name }) => {
      const names = others.filter((other) => other.resource === resource).map((other) => other.name);
      return coverage.reach(names).has(name.toLowerCase());
    })
  );
}

function itemOf({ description, permissions }: CatalogEntry): Item {
  return { text: description, permissions };
}

function unlistedText(scope: string, permissions: readonly Permission[]): string {
  const all = permissions.find(({ name }) => name === ALL_CONSENTED);
  if (all === undefined) return scope;
  return `All that the app is registered for${all.resource === GRAPH ? '' : `, of ${all.resource}`}`;
}

function textsOf(all: readonly Item[]): readonly string[] {
  return [...new Set(all.map(({ text }) => text))];
}

function isSame(one: Permission, other: Permission): boolean {
  return permissionKey(one) === permissionKey(other);
}

function nameOf(permission: Permission): string {
  return permission.resource === GRAPH ? permission.name : fullForm(permission);
}
