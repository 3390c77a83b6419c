import type { App } from '../model/app.ts';
import type { Authorization } from '../model/authorization.ts';
import { VaultError } from '../model/errors.ts';
import { GRAPH, resourceIn } from '../model/resource.ts';
import { type ConnectParts, callbackUri } from './connect_parts.ts';
import { hasAdministrators } from './new_admin_consent.ts';
import { authorizeScopes } from './requested_scopes.ts';

/** So much of a fact gets through to the caller; an address that is cut leads nowhere. */
const LONGEST_ADDRESS = 1_000;

/** Handed back by Entra to whoever runs the callback; nothing waits for it. */
const NOBODY_WAITS = 'admin-consent';

/**
 * For a product with its own callback whose user may not consent: Entra's own address, as a fact of the error. An app that has no other redirect URI than the
 * product's ends there, and an error must hold no handle. Where the permissions make it too long, it asks for all that the registration lists.
 */
export async function withAdminConsentUri(
  parts: ConnectParts,
  { appUid, redirectUri, directoryId, permissions }: Authorization,
  error: VaultError,
): Promise<VaultError> {
  const app = await parts.stores.apps.findByUid(appUid).catch(() => undefined);
  if (app === undefined || !hasAdministrators(app)) return error;
  const { reason, message, metadata, cause } = error;
  const adminConsentUri = entraAddress(parts, app, { redirectUri, directoryId, scopes: authorizeScopes(permissions) });
  return new VaultError(reason, message, { metadata: { ...metadata, adminConsentUri }, cause });
}

function entraAddress(
  parts: ConnectParts,
  app: App,
  where: { readonly redirectUri: string; readonly directoryId: string | undefined; readonly scopes: readonly string[] },
): string {
  const own = callbackUri(parts.publicUrl);
  const redirectUri = app.redirectUris.includes(own) ? own : where.redirectUri;
  const address = (scopes: readonly string[]) =>
    parts.authorizationServer.adminConsentUri({ ...where, app, redirectUri, scopes, state: NOBODY_WAITS });
  const exact = address(where.scopes);
  return exact.length <= LONGEST_ADDRESS ? exact : address([`${resourceIn(app.cloud, GRAPH)}/.default`]);
}
