import { z } from 'zod';
import { oidcScope, type Permission, parsePermission } from './permission.ts';

/** Product scopes and what each needs of Entra: data, from a file. */
export interface Catalog {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly source: 'BUILT_IN' | 'FILE';
  readonly acceptsPermissions: boolean;
  readonly implicitPermissions: readonly string[];
  readonly oidcScopes: readonly OidcWords[];
  readonly entries: readonly CatalogEntry[];
}

/** What scopes of OpenID Connect mean together, in plain words: they are no permissions, but people are asked for them too. */
export interface OidcWords {
  readonly scopes: readonly string[];
  readonly description: string;
}

export interface CatalogEntry {
  readonly scope: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly permissions: readonly Permission[];
  /** As the file says; not yet followed further. */
  readonly covers: readonly string[];
}

const permission = z.string().refine((text) => parsePermission(text) !== undefined, {
  error: 'must be a permission such as Mail.Read or https://outlook.office.com/SMTP.Send',
});
const scopeName = z
  .string()
  .regex(/^\S{1,200}$/, { error: 'must be a name without spaces, of at most 200 characters' });

const entrySchema = z.strictObject({
  scope: scopeName,
  aliases: z.array(scopeName).default([]),
  description: z.string().min(1).max(300),
  /** Absent: the scope is a permission by its own name. */
  permissions: z
    .array(permission.refine((text) => oidcScope(text) === undefined, { error: 'OIDC scopes are no permissions' }))
    .min(1)
    .optional(),
  covers: z.array(scopeName).default([]),
});

const oidcSchema = z.strictObject({
  scopes: z.array(z.string().refine((text) => oidcScope(text) === text, { error: 'must be an OIDC scope' })).min(1),
  description: z.string().min(1).max(300),
});

const catalogSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, { error: 'must match [a-z][a-z0-9-]{0,62}' }),
  version: z.coerce.string().min(1).max(40),
  description: z.string().min(1).max(300),
  accepts_permissions: z.boolean().default(false),
  implicit_permissions: z.array(permission).default([]),
  oidc_scopes: z.array(oidcSchema).default([]),
  scopes: z.array(entrySchema).min(1),
});

export type ParsedCatalog =
  | { readonly catalog: Catalog; readonly faults: readonly [] }
  | { readonly catalog: undefined; readonly faults: readonly string[] };

/** Checks what a catalog file holds. Each fault begins with its path in the file: `scopes.3.permissions.0: …`. */
export function parseCatalog(content: unknown, source: Catalog['source']): ParsedCatalog {
  const parsed = catalogSchema.safeParse(content);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
    return { catalog: undefined, faults };
  }
  const { name, version, description, accepts_permissions, implicit_permissions, oidc_scopes } = parsed.data;
  const faults: string[] = [];
  const entries = parsed.data.scopes.map((entry, index): CatalogEntry => {
    const permissions = (entry.permissions ?? [entry.scope]).flatMap((text) => parsePermission(text) ?? []);
    if (permissions.length === 0)
      faults.push(`scopes.${index}.permissions: required, since the scope is no permission`);
    return { ...entry, permissions };
  });
  faults.push(...ambiguities(entries), ...unknownCovers(entries));
  if (faults.length > 0) return { catalog: undefined, faults };
  const catalog: Catalog = {
    name,
    version,
    description,
    source,
    acceptsPermissions: accepts_permissions,
    implicitPermissions: implicit_permissions,
    oidcScopes: oidc_scopes,
    entries,
  };
  return { catalog, faults: [] };
}

function ambiguities(entries: readonly CatalogEntry[]): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const [index, entry] of entries.entries()) {
    for (const name of [entry.scope, ...entry.aliases]) {
      const owner = owners.get(name.toLowerCase());
      if (owner !== undefined) faults.push(`scopes.${index}: ${name} already stands for ${owner}`);
      owners.set(name.toLowerCase(), entry.scope);
    }
  }
  return faults;
}

function unknownCovers(entries: readonly CatalogEntry[]): string[] {
  const scopes = new Set(entries.map((entry) => entry.scope));
  return entries.flatMap((entry, index) =>
    entry.covers
      .filter((covered) => !scopes.has(covered))
      .map((covered) => `scopes.${index}.covers: the catalog has no scope ${covered}`),
  );
}
