import { createHmac } from 'node:crypto';
import { homeDirectory } from '../model/entra_app.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { adminConsentLink, type ConnectParts } from './connect_dependencies.ts';
import { hasAdministrators, hasOwnCallback, newAdminConsent } from './create_admin_consent_and_state.ts';
import { activeParties, type Parties } from './find_tenant_app_and_connection.ts';
import { hashOneTimeToken } from './one_time_token.ts';
import { authorizeScopes } from './translate_requested_scopes.ts';

/** "Need admin approval" returns from Entra exactly as Cancel does, so a user who seems to have declined may need a link too. */
export function mayWantAdminConsent(reason: 'GRANTED' | Reason): boolean {
  return reason === 'ADMIN_CONSENT_REQUIRED' || reason === 'AUTHORIZATION_DECLINED';
}

/**
 * For a user who may not consent: a link to forward to an administrator, for the same app, scopes and directory.
 * Undefined: the app cannot have one, or it could not be created. The page shows the failure itself in any case.
 */
export async function newAdminConsentLink(
  parts: ConnectParts,
  { authorization, parties }: { readonly authorization: Authorization; readonly parties: Parties },
  state: string,
): Promise<string | undefined> {
  try {
    const { tenant, app } = activeParties(parties);
    if (!hasAdministrators(app) || !hasOwnCallback(parts, app)) return undefined;
    const { productScopes, permissions, directoryId = homeDirectory(app) } = authorization;
    const handle = handleFrom(state);
    const consent = newAdminConsent(parts, tenant, app, {
      productScopes,
      scopes: authorizeScopes(permissions),
      directoryId: directoryId?.toLowerCase(),
      returnUrl: undefined,
    });
    await parts.stores.adminConsents.start(consent, hashOneTimeToken(handle), undefined);
    parts.metrics?.adminConsentStarted();
    return adminConsentLink(parts.publicUrl, handle);
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

/** The link that was created when the state was first used, while it is valid. */
export async function adminConsentLinkOf(parts: ConnectParts, state: string): Promise<string | undefined> {
  const handle = handleFrom(state);
  const consent = await parts.stores.adminConsents.findByHandle(hashOneTimeToken(handle)).catch(() => undefined);
  const isOpen = consent?.state === 'OPEN' && consent.expireTime > parts.clock.now();
  return isOpen ? adminConsentLink(parts.publicUrl, handle) : undefined;
}

/** Derived from the state, which is 32 random bytes: a repeated callback shows the same link, and no handle is stored. */
function handleFrom(state: string): string {
  return createHmac('sha256', state).update('tokenvault/admin-consent').digest('base64url');
}
