import type { PermissionsByResource } from '../model/connection.ts';
import { type App, homeDirectory } from '../model/entra_app.ts';
import { type ConsentRule, type PermissionConsent, USER_CONSENTS } from './consent_rule.ts';
import { parsePermission, permissionKey } from './delegated_permission.ts';
import type { Catalog } from './parse_scope_catalog.ts';

export type ConsentRules = (permission: string) => ConsentRule | undefined;

/** By the entries of single permissions; the first catalog that has a rule counts. */
export function createConsentRules(catalogs: readonly Catalog[]): ConsentRules {
  const rules = new Map<string, ConsentRule>();
  for (const { consent, permissions } of catalogs.flatMap(({ entries }) => entries)) {
    if (consent === undefined) continue;
    for (const key of permissions.map(permissionKey)) if (!rules.has(key)) rules.set(key, consent);
  }
  return (text) => {
    const permission = parsePermission(text);
    return permission && rules.get(permissionKey(permission));
  };
}

export function consentsOf(rules: ConsentRules, permissions: PermissionsByResource): readonly PermissionConsent[] {
  return Object.entries(permissions).flatMap(([resource, names]) =>
    names.map((name) => ({ permission: `${resource}/${name}`, rule: rules(`${resource}/${name}`) })),
  );
}

/** Of a scope that needs all of these permissions. */
export function strictestRule(all: readonly (ConsentRule | undefined)[]): ConsentRule | undefined {
  const rank = (rule: ConsentRule | undefined) => (rule === undefined ? -1 : USER_CONSENTS.indexOf(rule.userConsent));
  return all.reduce((strictest, rule) => (rank(rule) > rank(strictest) ? rule : strictest), undefined);
}

/**
 * The permissions, in full form, to which an administrator must consent in a directory with the default policy. The policy
 * is about apps of other organizations, so an app for its own directory is exempt. Personal accounts have no administrator.
 */
export function administratorConsents(
  consents: readonly PermissionConsent[],
  app: Pick<App, 'signInAudience'> = { signInAudience: 'organizations' },
): readonly string[] {
  if (app.signInAudience === 'consumers') return [];
  const isForeign = homeDirectory(app) === undefined;
  return consents
    .filter(
      ({ rule }) => rule?.userConsent === 'admin_required' || (isForeign && rule?.userConsent === 'admin_by_default'),
    )
    .map(({ permission }) => permission);
}
