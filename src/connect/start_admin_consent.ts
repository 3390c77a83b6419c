import { type App, homeDirectory } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import { fieldInvalid } from '../model/errors.ts';
import { GRAPH, resourceIn } from '../model/resource.ts';
import type { Tenant } from '../model/tenant.ts';
import { checkDirectory } from './account_check.ts';
import { findApp, findTenant } from './active_lookup.ts';
import type { StartAdminConsent, StartedAdminConsent } from './admin_consents.ts';
import { adminConsentLink, type ConnectParts, callbackUri } from './connect_parts.ts';
import { namedDirectory } from './named_directory.ts';
import { hasAdministrators, hasOwnCallback, mintConsentState, newAdminConsent } from './new_admin_consent.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { authorizeScopes, consentedWith, requestedScopes } from './requested_scopes.ts';
import { checkReturnUrl } from './return_url.ts';
import { usualApp } from './start_authorization.ts';

export async function startAdminConsent(parts: ConnectParts, request: StartAdminConsent): Promise<StartedAdminConsent> {
  const { stores } = parts;
  const tenant = await findTenant(stores, request.tenantId);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, undefined));
  checkApp(parts, app);
  const wish = {
    ...askedOfAdministrators(parts, tenant, app, request.scopes),
    directoryId: directoryOf(tenant, app, request.directoryId),
    returnUrl: request.returnUrl && checkReturnUrl(request.returnUrl, app.returnUrlPrefixes),
  };
  const consent = newAdminConsent(parts, { tenant, app, wish });
  const handle = mintOneTimeToken();
  const { minted, adminConsentUri } = mintConsentState(parts, { app, consent, now: consent.createTime });
  await stores.adminConsents.start(consent, hashOneTimeToken(handle), minted);
  parts.metrics?.adminConsentStarted();
  return {
    consentUri: adminConsentLink(parts.publicUrl, handle),
    adminConsentUri,
    expireTime: consent.expireTime,
    adminConsentExpireTime: minted.expireTime,
  };
}

function checkApp(parts: ConnectParts, app: App): void {
  if (!hasAdministrators(app)) {
    throw fieldInvalid(
      'app',
      `${appName(app)} is for personal accounts alone, which have no administrator; each user consents`,
    );
  }
  if (!hasOwnCallback(parts, app)) {
    throw fieldInvalid(
      'app',
      `${appName(app)} does not have the vault's own callback ${callbackUri(parts.publicUrl)} among its redirect_uris; add it there and in Entra, or send the administrator to admin_consent_uri of VerifyApp's next steps`,
    );
  }
}

function askedOfAdministrators(parts: ConnectParts, tenant: Tenant, app: App, requested: readonly string[]) {
  if (requested.length === 0) {
    // All that the registration lists, of every API: https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope
    return { productScopes: [], scopes: [`${resourceIn(app.cloud, GRAPH)}/.default`] };
  }
  const { productScopes, needed } = requestedScopes(parts.scopes, tenant, app, requested);
  return { productScopes, scopes: authorizeScopes(consentedWith(parts.scopes, app, needed)) };
}

/** In lower case, as Entra writes it. */
function directoryOf(tenant: Tenant, app: App, requested: string | undefined): string | undefined {
  const directoryId = namedDirectory(tenant, app, requested) ?? homeDirectory(app);
  if (directoryId !== undefined) checkDirectory(tenant, directoryId);
  return directoryId?.toLowerCase();
}
