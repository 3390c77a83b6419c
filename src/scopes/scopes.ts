import type { Cloud } from '../model/app.ts';
import type { PermissionsByResource } from '../model/connection.ts';

/** From product scopes to permissions, by catalogs. Pure lookups: cheap enough for every call. */
export interface Scopes {
  catalogs(): readonly CatalogDescription[];
  hasCatalog(name: string): boolean;

  /** The scopes by their own names, aliases resolved, each once, sorted. SCOPE_UNKNOWN with the nearest known ones. */
  canonical(catalog: string, scopes: readonly string[]): readonly string[];

  /** Permissions per resource that the scopes need. SCOPE_UNKNOWN with the nearest known ones. */
  translate(catalog: string, scopes: readonly string[], cloud: Cloud): PermissionsByResource;

  /**
   * The same for one token request; SCOPES_SPAN_RESOURCES where it takes more than one resource. `X/.default` needs no
   * permission of its own: it stands for what the connection has of X.
   */
  translateForToken(catalog: string, scopes: readonly string[], cloud: Cloud): TokenScope;

  /**
   * Permissions as Entra spells them (an app's implicit ones, a token answer's `scope`), by resource; OIDC scopes apart.
   * A bare name means Graph. Unknown names are taken as they stand: Entra knows more than any catalog.
   */
  resolve(permissions: readonly string[], cloud: Cloud): ResolvedPermissions;

  /** Which needed permissions the granted ones do not satisfy; a wider permission covers a narrower one. Empty: all covered. */
  missing(catalog: string, granted: readonly string[], needed: readonly string[]): readonly string[];

  /** What a person is asked to agree to, for the pages. Scopes and permissions that nobody described stand by their own names. */
  plainWords(catalog: string, asked: AskedInWords): PlainWords;
}

export interface AskedInWords {
  /** Product scopes. */
  readonly scopes: readonly string[];
  /** What is asked for beside them: permissions as Entra spells them, and OIDC scopes. */
  readonly implicit: readonly string[];
}

/** In the order of the catalog; each once, and none that another one covers. */
export interface PlainWords {
  readonly scopes: readonly string[];
  readonly implicit: readonly string[];
}

export interface TokenScope {
  readonly resource: string;
  readonly permissions: readonly string[];
}

export interface ResolvedPermissions {
  readonly permissions: PermissionsByResource;
  /** `openid`, `profile`, `email`, `offline_access`: those that were named, sorted. */
  readonly oidcScopes: readonly string[];
}

export interface CatalogDescription {
  readonly name: string;
  readonly version: string;
  /** One sentence for people. */
  readonly description: string;
  readonly source: 'BUILT_IN' | 'FILE';
  /** Asked for at every consent, OIDC scopes among them; the default of an app's implicit permissions. */
  readonly implicitPermissions: readonly string[];
  /** Takes permissions by their own names too. */
  readonly acceptsPermissions: boolean;
  readonly scopes: readonly ScopeDescription[];
}

export interface ScopeDescription {
  readonly scope: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** Full form: `https://graph.microsoft.com/Mail.Read`. */
  readonly permissions: readonly string[];
  /** Other product scopes of the catalog that a grant of this one satisfies. */
  readonly covers: readonly string[];
}
