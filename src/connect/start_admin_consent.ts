import type { Timestamp } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import { type App, homeDirectory } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import { GRAPH, resourceIn } from '../model/microsoft_resource_uri.ts';
import type { Tenant } from '../model/tenant.ts';
import { checkDirectory, namedDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import { checkReturnUrl } from './check_return_url.ts';
import { adminConsentLink, type ConnectParts, callbackUri } from './connect_dependencies.ts';
import {
  hasAdministrators,
  hasOwnCallback,
  mintConsentState,
  newAdminConsent,
} from './create_admin_consent_and_state.ts';
import { type AppReference, findApp, findTenant, usualApp } from './find_tenant_app_and_connection.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { authorizeScopes, consentedWith, requestedScopes } from './translate_requested_scopes.ts';

export interface StartAdminConsent {
  readonly tenantId: string;
  /** Undefined: the tenant's app `default`. */
  readonly app?: AppReference | undefined;
  /** Product scopes. Empty: all that the registration lists (`/.default` of Microsoft Graph). */
  readonly scopes: readonly string[];
  /** Undefined: the app's own directory if it has one, else the directory that the administrator signs in to. */
  readonly directoryId?: string | undefined;
  readonly returnUrl?: string | undefined;
}

export interface StartedAdminConsent {
  /** Contains a handle. Valid for 7 days (`expireTime`). */
  readonly consentUri: string;
  /** Contains a state that works once. Valid for an hour (`adminConsentExpireTime`). */
  readonly adminConsentUri: string;
  readonly expireTime: Timestamp;
  readonly adminConsentExpireTime: Timestamp;
}

/** FIELD_INVALID, SCOPE_UNKNOWN, DIRECTORY_NOT_ALLOWED, TENANT_NOT_FOUND, APP_NOT_FOUND, TENANT_SUSPENDED, APP_SUSPENDED. */
export async function startAdminConsent(parts: ConnectParts, request: StartAdminConsent): Promise<StartedAdminConsent> {
  const { stores } = parts;
  const tenant = await findTenant(stores, request.tenantId);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, undefined));
  checkApp(parts, app);
  checkNotContained(parts, { tenant, app, directoryId: request.directoryId });
  const consent = newAdminConsent(parts, tenant, app, {
    ...scopesOf(parts, tenant, app, request.scopes),
    directoryId: directoryOf(tenant, app, request.directoryId),
    returnUrl: request.returnUrl && checkReturnUrl(request.returnUrl, app.returnUrlPrefixes),
  });
  const handle = mintOneTimeToken();
  const { minted, adminConsentUri } = mintConsentState(parts, app, consent, consent.createTime);
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
      `${appName(app)} is only for personal accounts, which have no administrator. Use StartAuthorization for each user.`,
    );
  }
  if (!hasOwnCallback(parts, app)) {
    const own = callbackUri(parts.publicUrl);
    throw fieldInvalid(
      'app',
      `${appName(app)} lacks the vault's callback ${own} in its redirectUris. Add it there and in Entra, or use admin_consent_uri of VerifyApp.`,
    );
  }
}

function scopesOf(parts: ConnectParts, tenant: Tenant, app: App, requested: readonly string[]) {
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
