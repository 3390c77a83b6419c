import type { Catalog, CatalogEntry } from './parse_scope_catalog.ts';

/** The permissions and scopes that a grant implies. Names are in lower case, because Entra compares case-insensitively. */
export interface Coverage {
  /** All permission names that these satisfy together, including themselves. */
  reach(permissions: readonly string[]): ReadonlySet<string>;
  /** Other scopes of the catalog that a grant of this one satisfies. */
  coveredBy(entry: CatalogEntry): readonly string[];
}

interface CoverRule {
  readonly having: readonly string[];
  readonly satisfies: readonly string[];
}

/**
 * `X covers Y` in a catalog means: a grant with all permissions of X needs none of Y. The rules of `shared` (the built-in
 * permissions) apply to every catalog.
 */
export function createCoverage(catalog: Catalog, shared: Catalog | undefined): Coverage {
  const rules = [...(shared === undefined || shared === catalog ? [] : rulesOf(shared)), ...rulesOf(catalog)];

  function reach(permissions: readonly string[]): ReadonlySet<string> {
    const reached = new Set(permissions.map((permission) => permission.toLowerCase()));
    for (let before = -1; before !== reached.size; ) {
      before = reached.size;
      for (const rule of rules) {
        if (!rule.having.every((permission) => reached.has(permission))) continue;
        for (const permission of rule.satisfies) reached.add(permission);
      }
    }
    return reached;
  }

  return {
    reach,
    coveredBy(entry) {
      const resources = new Set(entry.permissions.map((permission) => permission.resource));
      const reached = reach(entry.permissions.map((permission) => permission.name));
      return catalog.entries
        .filter((other) => other !== entry)
        .filter((other) =>
          other.permissions.every(
            (permission) => resources.has(permission.resource) && reached.has(permission.name.toLowerCase()),
          ),
        )
        .map((other) => other.scope);
    },
  };
}

function rulesOf(catalog: Catalog): readonly CoverRule[] {
  const entries = new Map(catalog.entries.map((entry) => [entry.scope, entry]));
  return catalog.entries
    .filter((entry) => entry.covers.length > 0)
    .map((entry) => ({
      having: names(entry),
      satisfies: entry.covers.flatMap((covered) => names(entries.get(covered))),
    }));
}

function names(entry: CatalogEntry | undefined): readonly string[] {
  return entry?.permissions.map((permission) => permission.name.toLowerCase()) ?? [];
}
