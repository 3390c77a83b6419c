import { ALL_CONSENTED, GRAPH } from '../model/resource.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';
import type { Coverage } from './coverage.ts';
import { fullForm, oidcScope, type Permission, parsePermission, permissionKey } from './permission.ts';
import type { AskedInWords, PlainWords } from './scopes.ts';
import type { Lookup } from './translate.ts';

interface Words {
  readonly words: string;
  readonly permissions: readonly Permission[];
}

interface Sources {
  readonly catalog: Catalog;
  readonly lookup: Lookup;
  readonly coverage: Coverage;
  /** Has words for what the catalog itself does not describe. */
  readonly permissionsCatalog: Catalog | undefined;
}

/** What covers what, and so goes without saying: scopes among themselves, and what is asked beside them also by the scopes. */
export function plainWords(sources: Sources, asked: AskedInWords): PlainWords {
  const { coverage } = sources;
  const scopes = uncovered(coverage, wordsOfScopes(sources, asked.scopes), []);
  const implicit = uncovered(coverage, wordsOfPermissions(sources, asked.implicit), scopes);
  const oidc = wordsOfOidcScopes(sources, asked.implicit);
  return { scopes: told(scopes), implicit: [...told(implicit), ...oidc] };
}

function wordsOfScopes({ catalog, lookup }: Sources, scopes: readonly string[]): readonly Words[] {
  // OIDC scopes have words of their own.
  const meanings = scopes
    .filter((scope) => oidcScope(scope) === undefined)
    .map((scope) => lookup(scope) ?? { scope, permissions: [] });
  const names = new Set(meanings.map((meaning) => meaning.scope));
  const listed = catalog.entries.filter((entry) => names.has(entry.scope));
  const unlisted = meanings.filter((meaning) => !listed.some((entry) => entry.scope === meaning.scope));
  return [
    ...listed.map(wordsOf),
    ...unlisted.map(({ scope, permissions }) => ({ words: unlistedWords(scope, permissions), permissions })),
  ];
}

function wordsOfPermissions({ catalog, permissionsCatalog }: Sources, texts: readonly string[]): readonly Words[] {
  const permissions = texts.flatMap((text) => (oidcScope(text) === undefined ? (parsePermission(text) ?? []) : []));
  return permissions.map((permission) => {
    const entry = [catalog, permissionsCatalog]
      .flatMap((source) => source?.entries ?? [])
      .find(({ permissions: [first, ...others] }) => first && others.length === 0 && isSame(first, permission));
    return entry === undefined ? { words: nameOf(permission), permissions: [permission] } : wordsOf(entry);
  });
}

function wordsOfOidcScopes({ permissionsCatalog }: Sources, texts: readonly string[]): readonly string[] {
  const asked = new Set(texts.map(oidcScope));
  const described = permissionsCatalog?.oidcScopes ?? [];
  return described
    .filter(({ scopes }) => scopes.some((scope) => asked.has(scope)))
    .map(({ description }) => description);
}

/** From the end, so that of two that cover each other the catalog's first stays. */
function uncovered(coverage: Coverage, all: readonly Words[], beside: readonly Words[]): readonly Words[] {
  return all.reduceRight((kept, one) => {
    const others = [...kept.filter((other) => other !== one), ...beside].flatMap(({ permissions }) => permissions);
    return isCovered(coverage, one, others) ? kept.filter((other) => other !== one) : kept;
  }, all);
}

function isCovered(coverage: Coverage, { permissions }: Words, others: readonly Permission[]): boolean {
  return (
    permissions.length > 0 &&
    permissions.every(({ resource, name }) => {
      const names = others.filter((other) => other.resource === resource).map((other) => other.name);
      return coverage.reach(names).has(name.toLowerCase());
    })
  );
}

function wordsOf({ description, permissions }: CatalogEntry): Words {
  return { words: description, permissions };
}

function unlistedWords(scope: string, permissions: readonly Permission[]): string {
  const all = permissions.find(({ name }) => name === ALL_CONSENTED);
  if (all === undefined) return scope;
  return `All that the app is registered for${all.resource === GRAPH ? '' : `, of ${all.resource}`}`;
}

function told(all: readonly Words[]): readonly string[] {
  return [...new Set(all.map(({ words }) => words))];
}

function isSame(one: Permission, other: Permission): boolean {
  return permissionKey(one) === permissionKey(other);
}

function nameOf(permission: Permission): string {
  return permission.resource === GRAPH ? permission.name : fullForm(permission);
}
