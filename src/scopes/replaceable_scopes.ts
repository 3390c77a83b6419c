import type { Scopes } from './scope_translator_interface.ts';

/** The scopes of the catalogs in use, which an operator may replace. What depends on them and is remembered must listen. */
export interface ReplaceableScopes extends Scopes {
  replace(next: Scopes): void;
  /** Calls `listener` after each replacement. */
  listen(listener: () => void): void;
}

export function createReplaceableScopes(first: Scopes): ReplaceableScopes {
  let current = first;
  const listeners: (() => void)[] = [];
  return {
    replace(next) {
      current = next;
      for (const listener of listeners) listener();
    },
    listen: (listener) => void listeners.push(listener),
    catalogs: () => current.catalogs(),
    hasCatalog: (name) => current.hasCatalog(name),
    canonical: (catalog, scopes) => current.canonical(catalog, scopes),
    translate: (catalog, scopes, cloud) => current.translate(catalog, scopes, cloud),
    translateForToken: (catalog, scopes, cloud) => current.translateForToken(catalog, scopes, cloud),
    resolve: (permissions, cloud) => current.resolve(permissions, cloud),
    userConsents: (permissions) => current.userConsents(permissions),
    missing: (catalog, granted, needed) => current.missing(catalog, granted, needed),
    aboveCeiling: (catalog, ceiling, cloud, resource, permissions) =>
      current.aboveCeiling(catalog, ceiling, cloud, resource, permissions),
    isScopeOrPermission: (text) => current.isScopeOrPermission(text),
    consentTexts: (catalog, asked) => current.consentTexts(catalog, asked),
  };
}
