import type { App } from '../model/app.ts';
import type { Authorization } from '../model/authorization.ts';
import { appName } from '../model/connection.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { StartRequest } from './authorizations.ts';
import { callbackUri } from './connect_parts.ts';
import { checkReturnUrl } from './return_url.ts';

type Ending = Pick<Authorization, 'redirectUri' | 'returnUrl' | 'completion'>;

/**
 * Who swaps the grant in (6-security, "Whose consent?"). A redirect URI that is not the vault's own: the product's callback, with
 * CompleteAuthorization. The vault's own: at once where the caller chose `auto_confirm`, else when the product hands over
 * the confirmation that comes to `return_url`. None of the three: FIELD_INVALID.
 */
export function completionOf(publicUrl: string, app: App, request: StartRequest): Ending {
  const own = callbackUri(publicUrl);
  const redirectUri = checkedRedirectUri(app, own, request.redirectUri);
  if (redirectUri !== own) {
    if (request.returnUrl !== undefined || request.autoConfirm === true) {
      throw fieldInvalid(
        request.returnUrl === undefined ? 'auto_confirm' : 'return_url',
        "is for the vault's own callback; leave it out, or leave out redirect_uri",
      );
    }
    return { redirectUri, returnUrl: undefined, completion: 'CALLER' };
  }
  const returnUrl =
    request.returnUrl === undefined ? undefined : checkReturnUrl(request.returnUrl, app.returnUrlPrefixes);
  if (request.autoConfirm === true) return { redirectUri, returnUrl, completion: 'AUTO' };
  if (returnUrl !== undefined) return { redirectUri, returnUrl, completion: 'CONFIRM' };
  throw fieldInvalid(
    'return_url',
    "say how the authorization ends: return_url with ConfirmAuthorization, auto_confirm, or a redirect_uri of the product's own with CompleteAuthorization",
  );
}

/**
 * Compared letter by letter, as Entra does. An app that names no redirect URI is taken to have the vault's own at Entra (next_steps
 * told the operator to enter it); one that names only others must name the vault's own too before it is used.
 */
function checkedRedirectUri(app: App, own: string, requested: string | undefined): string {
  const registered = app.redirectUris.length === 0 ? [own] : app.redirectUris;
  const redirectUri = requested ?? own;
  if (registered.includes(redirectUri)) return redirectUri;
  throw fieldInvalid(
    'redirect_uri',
    requested === undefined
      ? `${appName(app)} does not have the vault's own callback ${own}; name one of its redirect_uris, or add this one to the app and in Entra`
      : `must be exactly one of the redirect_uris of ${appName(app)}`,
  );
}
