import { createHmac } from 'node:crypto';
import { homeDirectory } from '../model/app.ts';
import type { Authorization } from '../model/authorization.ts';
import type { Connection } from '../model/connection.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import { findAppByUid, findTenant } from './active_lookup.ts';
import { adminConsentLink, type ConnectParts } from './connect_parts.ts';
import { hasAdministrators, hasOwnCallback, newAdminConsent } from './new_admin_consent.ts';
import { hashOneTimeToken } from './one_time_token.ts';
import { authorizeScopes } from './requested_scopes.ts';

/** "Need admin approval" leads back from Entra exactly as its Cancel does, so whoever seems to have declined may need a link too. */
export function mayWantAdminConsent(reason: 'GRANTED' | Reason): boolean {
  return reason === 'ADMIN_CONSENT_REQUIRED' || reason === 'AUTHORIZATION_DECLINED';
}

/**
 * For a user who may not consent: a link to send on to an administrator, for the same app, scopes and directory.
 * Undefined where the app cannot have one, or where it could not be made: the failure itself is told in any case.
 */
export async function newAdminConsentLink(
  parts: ConnectParts,
  { authorization, connection }: { readonly authorization: Authorization; readonly connection: Connection },
  state: string,
): Promise<string | undefined> {
  const { stores, publicUrl } = parts;
  try {
    const tenant = await findTenant(stores, connection.tenantId);
    const app = await findAppByUid(stores, tenant, authorization.appUid);
    if (!hasAdministrators(app) || !hasOwnCallback(parts, app)) return undefined;
    const wish = {
      productScopes: authorization.productScopes,
      scopes: authorizeScopes(authorization.permissions),
      directoryId: (authorization.directoryId ?? homeDirectory(app))?.toLowerCase(),
      returnUrl: undefined,
    };
    const handle = handleFrom(state);
    const consent = newAdminConsent(parts, { tenant, app, wish });
    await stores.adminConsents.start(consent, hashOneTimeToken(handle), undefined);
    parts.metrics?.adminConsentStarted();
    return adminConsentLink(publicUrl, handle);
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

/** The link that was made when the state was first answered, while it is good for something. */
export async function adminConsentLinkOf(parts: ConnectParts, state: string): Promise<string | undefined> {
  const handle = handleFrom(state);
  const consent = await parts.stores.adminConsents.findByHandle(hashOneTimeToken(handle)).catch(() => undefined);
  const isGood = consent?.state === 'OPEN' && consent.expireTime > parts.clock.now();
  return isGood ? adminConsentLink(parts.publicUrl, handle) : undefined;
}

/** Of the state, which is 32 random bytes: so a repeated callback shows the same link, though no handle is stored. */
function handleFrom(state: string): string {
  return createHmac('sha256', state).update('tokenvault/admin-consent').digest('base64url');
}
