import type { App } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import { GRAPH, resourceIn } from '../model/microsoft_resource_uri.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { type ConnectParts, callbackUri } from './connect_dependencies.ts';
import { hasAdministrators } from './create_admin_consent_and_state.ts';
import { authorizeScopes } from './translate_requested_scopes.ts';

type Parts = Pick<ConnectParts, 'authorizationServer' | 'publicUrl'>;

/** Longer metadata is cut, and a cut address is useless. */
const LONGEST_ADDRESS = 1_000;

/**
 * For a product with its own callback whose user may not consent: Entra's own admin consent address, as metadata of the error, which must
 * not contain a handle. An app without the vault's callback uses the product's. If the permissions make the address too long, it requests
 * all that the registration lists.
 */
export function withAdminConsentUri(
  parts: Parts,
  authorization: Authorization,
  app: App | undefined,
  error: VaultError,
): VaultError {
  if (app === undefined || !hasAdministrators(app)) return error;
  const { reason, message, metadata, cause } = error;
  const adminConsentUri = entraAdminConsentUri(parts, authorization, app);
  return new VaultError(reason, message, { metadata: { ...metadata, adminConsentUri }, cause });
}

/** Entra's own page: valid without limit, but not explained, and not verified. */
export function entraAdminConsentUri(
  { authorizationServer, publicUrl }: Parts,
  { redirectUri: requested, directoryId, permissions }: Authorization,
  app: App,
): string {
  const own = callbackUri(publicUrl);
  const redirectUri = app.redirectUris.includes(own) ? own : requested;
  const address = (scopes: readonly string[]) =>
    // The callback expects no such state.
    authorizationServer.adminConsentUri({ app, directoryId, redirectUri, scopes, state: 'admin-consent' });
  const exact = address(authorizeScopes(permissions));
  return exact.length <= LONGEST_ADDRESS ? exact : address([`${resourceIn(app.cloud, GRAPH)}/.default`]);
}
