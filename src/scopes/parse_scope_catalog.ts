import { z } from 'zod';
import { type ConsentRule, USER_CONSENTS } from './consent_rule.ts';
import { oidcScope, type Permission, parsePermission } from './delegated_permission.ts';

/** A scope catalog: product scopes, and the Entra permissions that each needs. Read from a YAML file. */
export interface Catalog {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly source: 'BUILT_IN' | 'FILE';
  readonly acceptsPermissions: boolean;
  readonly implicitPermissions: readonly string[];
  readonly oidcScopes: readonly OidcDescription[];
  readonly entries: readonly CatalogEntry[];
}

/** The consent text for a set of OpenID Connect scopes. They are not permissions, but the consent page lists them too. */
export interface OidcDescription {
  readonly scopes: readonly string[];
  readonly description: string;
}

export interface CatalogEntry {
  readonly scope: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly permissions: readonly Permission[];
  /** As in the file, without what the covered scopes cover in turn. */
  readonly covers: readonly string[];
  /** Undefined: as its permissions, if other catalogs say it. */
  readonly consent: ConsentRule | undefined;
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
  /** Absent: the scope's name is itself a permission. */
  permissions: z
    .array(permission.refine((text) => oidcScope(text) === undefined, { error: 'must not be an OIDC scope' }))
    .min(1)
    .optional(),
  covers: z.array(scopeName).default([]),
  user_consent: z.enum(USER_CONSENTS).optional(),
  /** Names an entry of `sources`. */
  source: z.string().optional(),
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
  sources: z.record(z.string(), z.string().min(1).max(300)).default({}),
  scopes: z.array(entrySchema).min(1),
});

export type ParsedCatalog =
  | { readonly catalog: Catalog; readonly faults: readonly [] }
  | { readonly catalog: undefined; readonly faults: readonly string[] };

/** Checks the content of a catalog file. Each fault begins with its path in the file: `scopes.3.permissions.0: …`. */
export function parseCatalog(content: unknown, source: Catalog['source']): ParsedCatalog {
  const parsed = catalogSchema.safeParse(content);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
    return { catalog: undefined, faults };
  }
  const { name, version, description, accepts_permissions, implicit_permissions, oidc_scopes, sources } = parsed.data;
  const faults: string[] = [];
  const entries = parsed.data.scopes.map((given, index): CatalogEntry => {
    const { user_consent: userConsent, source: sourceName = '', ...entry } = given;
    const permissions = (entry.permissions ?? [entry.scope]).flatMap((text) => parsePermission(text) ?? []);
    if (permissions.length === 0)
      faults.push(`scopes.${index}.permissions: required, because the scope is not itself a permission`);
    const source = sources[sourceName];
    if (source === undefined && (userConsent !== undefined || sourceName !== ''))
      faults.push(`scopes.${index}.source: must name an entry of sources, which says where user_consent is from`);
    const consent = userConsent === undefined || source === undefined ? undefined : { userConsent, source };
    return { ...entry, permissions, consent };
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
      if (owner !== undefined) faults.push(`scopes.${index}: ${name} is already a name of ${owner}`);
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
