import type { Connection } from '../model/connection.ts';
import { type App, PERSONAL_DIRECTORY } from '../model/entra_app.ts';
import { isPersonal } from '../model/personal_account_refusal.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Authorization } from '../model/user_authorization.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import { administratorConsents } from '../scopes/user_consent.ts';
import { catalogOf } from './translate_requested_scopes.ts';

interface AuthorizationContext {
  readonly tenant: Tenant;
  readonly app: App;
  readonly connection: Connection;
  readonly authorization: Pick<Authorization, 'permissions' | 'directoryId' | 'allowAccountChange'>;
}

/**
 * The permissions, in full form, because of which an administrator probably must consent before the user can: by Microsoft's default
 * policy, because the vault knows neither the policy of the directory nor what its administrator has approved. A permission that the
 * connection was granted counts as consented.
 */
export function likelyAdminConsents(
  scopes: Pick<Scopes, 'userConsents' | 'missing'>,
  context: AuthorizationContext,
): readonly string[] {
  const { tenant, app, connection, authorization } = context;
  const { allowAccountChange, directoryId, permissions } = authorization;
  const account = allowAccountChange ? undefined : connection.account;
  if (directoryId === PERSONAL_DIRECTORY || isPersonal(account)) return [];
  const granted = account === undefined || isConsentMissing(connection) ? {} : connection.granted;
  const missing = Object.entries(permissions).map(([resource, names]) => {
    const hasIssue = connection.resourceIssues[resource] !== undefined;
    return [
      resource,
      scopes.missing(catalogOf(tenant, app), hasIssue ? [] : (granted[resource] ?? []), names),
    ] as const;
  });
  return administratorConsents(scopes.userConsents(Object.fromEntries(missing)), app);
}

function isConsentMissing({ stateReason }: Connection): boolean {
  return stateReason?.reason === 'CONSENT_REQUIRED' || stateReason?.reason === 'ADMIN_CONSENT_REQUIRED';
}
