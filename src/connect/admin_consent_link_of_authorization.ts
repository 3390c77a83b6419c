import { createHmac } from 'node:crypto';
import { type App, homeDirectory } from '../model/entra_app.ts';
import { isVaultError } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Authorization, AuthorizationFailure } from '../model/user_authorization.ts';
import { adminConsentLink, type ConnectParts } from './connect_dependencies.ts';
import { hasAdministrators, hasOwnCallback, newAdminConsent } from './create_admin_consent_and_state.ts';
import { hashOneTimeToken } from './one_time_token.ts';
import { authorizeScopes } from './translate_requested_scopes.ts';

/** "Need admin approval" returns from Entra exactly as Cancel does, so a user who seems to have declined may need a link too. */
export function mayWantAdminConsent(outcome: 'GRANTED' | AuthorizationFailure): boolean {
  return outcome === 'ADMIN_CONSENT_REQUIRED' || outcome === 'AUTHORIZATION_DECLINED';
}

/**
 * For a user who may not consent: a link to forward to an administrator, for the same app, scopes and directory. `origin`: the handle
 * or the state of the authorization, from which the handle of the link is derived.
 * Undefined: the app cannot have one, or it could not be created. The page shows the failure itself in any case.
 */
export async function newAdminConsentLink(
  parts: ConnectParts,
  { authorization, tenant, app }: { readonly authorization: Authorization; readonly tenant: Tenant; readonly app: App },
  origin: string,
): Promise<string | undefined> {
  try {
    if (!hasAdministrators(app) || !hasOwnCallback(parts, app)) return undefined;
    const { productScopes, permissions, directoryId = homeDirectory(app) } = authorization;
    const handle = handleFrom(origin);
    const consent = newAdminConsent(parts, tenant, app, {
      productScopes,
      scopes: authorizeScopes(permissions),
      directoryId: directoryId?.toLowerCase(),
      returnUrl: undefined,
    });
    await parts.stores.adminConsents.start(consent, hashOneTimeToken(handle), undefined);
    return adminConsentLink(parts.publicUrl, handle);
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

/** The link that was created with the authorization, or when its state was first used, while it is valid. */
export async function adminConsentLinkOf(parts: ConnectParts, origin: string): Promise<string | undefined> {
  const handle = handleFrom(origin);
  const consent = await parts.stores.adminConsents.findByHandle(hashOneTimeToken(handle)).catch(() => undefined);
  const isOpen = consent?.state === 'OPEN' && consent.expireTime > parts.clock.now();
  return isOpen ? adminConsentLink(parts.publicUrl, handle) : undefined;
}

/** Derived from 32 random bytes: a page that is shown again has the same link, and no handle is stored. */
function handleFrom(origin: string): string {
  return createHmac('sha256', origin).update('tokenvault/admin-consent').digest('base64url');
}
