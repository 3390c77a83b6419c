import type { PermissionsByResource } from '../model/connection.ts';
import type { Cloud } from '../model/entra_app.ts';
import type { ConsentRule, PermissionConsent } from './consent_rule.ts';
import type { Ceiling } from './scope_ceiling.ts';

/** Translates product scopes to permissions by the catalogs. Lookups in memory, cheap enough for every call. */
export interface Scopes {
  catalogs(): readonly CatalogDescription[];
  hasCatalog(name: string): boolean;

  /** The scopes with aliases resolved, unique and sorted. SCOPE_UNKNOWN suggests similar ones. */
  canonical(catalog: string, scopes: readonly string[]): readonly string[];

  /** The permissions that the scopes need, by resource. SCOPE_UNKNOWN suggests similar ones. */
  translate(catalog: string, scopes: readonly string[], cloud: Cloud): PermissionsByResource;

  /**
   * The same for one token request; SCOPES_SPAN_RESOURCES if the scopes need several resources. `X/.default` needs no
   * particular permission: it means the permissions of X that the connection has.
   */
  translateForToken(catalog: string, scopes: readonly string[], cloud: Cloud): TokenScope;

  /**
   * Permissions in Entra's spelling (implicit ones of an app, `scope` of a token response), by resource; OIDC scopes
   * separately. A bare name means Graph. Unknown names are kept, because Entra has more than any catalog.
   */
  resolve(permissions: readonly string[], cloud: Cloud): ResolvedPermissions;

  /** Who consents to each permission by default. */
  userConsents(permissions: PermissionsByResource): readonly PermissionConsent[];

  /** The needed permissions that the granted ones do not satisfy; a wider permission covers a narrower one. */
  missing(catalog: string, granted: readonly string[], needed: readonly string[]): readonly string[];

  /**
   * The permissions of the resource that neither the ceiling nor the app's implicit permissions cover. `.default` is
   * covered only by itself, and stands for a resource that the ceiling does not name.
   */
  aboveCeiling(
    catalog: string,
    ceiling: Ceiling,
    cloud: Cloud,
    resource: string,
    permissions: readonly string[],
  ): readonly string[];

  /** Whether it is a scope of a catalog, or a permission. */
  isScopeOrPermission(text: string): boolean;

  /** The texts of the consent page. Scopes and permissions without a description appear by name. */
  consentTexts(catalog: string, asked: ConsentRequest): ConsentTexts;
}

export interface ConsentRequest {
  /** Product scopes. */
  readonly scopes: readonly string[];
  /** The app's implicit permissions, in Entra's spelling, and OIDC scopes. */
  readonly implicit: readonly string[];
}

/** Unique, in the order of the catalog, without items that another one covers. */
export interface ConsentTexts {
  readonly scopes: readonly string[];
  readonly implicit: readonly string[];
}

export interface TokenScope {
  readonly resource: string;
  readonly permissions: readonly string[];
}

export interface ResolvedPermissions {
  readonly permissions: PermissionsByResource;
  /** Those of `openid`, `profile`, `email`, `offline_access` that were named, sorted. */
  readonly oidcScopes: readonly string[];
}

export interface CatalogDescription {
  readonly name: string;
  readonly version: string;
  /** One sentence for readers. */
  readonly description: string;
  readonly source: 'BUILT_IN' | 'FILE';
  /** Requested in every consent, including OIDC scopes; the default of an app's implicit permissions. */
  readonly implicitPermissions: readonly string[];
  /** Whether names of permissions are accepted as scopes. */
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
  /** Of the strictest of its permissions; undefined: no catalog says it. */
  readonly consent: ConsentRule | undefined;
}
