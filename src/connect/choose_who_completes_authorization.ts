import { appName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { checkReturnUrl } from './check_return_url.ts';
import { callbackUri } from './connect_dependencies.ts';

/**
 * Who activates the grant (6-security, "Whose consent?"). Another redirect URI than the vault's own: the product's callback, with
 * CompleteAuthorization. The vault's own callback: at once with `auto_confirm`, else when the product sends the confirmation that its
 * `return_url` receives. FIELD_INVALID: none of the three.
 */
export function completionOf(
  publicUrl: string,
  app: App,
  request: {
    readonly redirectUri?: string | undefined;
    readonly returnUrl?: string | undefined;
    readonly autoConfirm?: boolean | undefined;
  },
): Pick<Authorization, 'redirectUri' | 'returnUrl' | 'completion'> {
  const own = callbackUri(publicUrl);
  const redirectUri = checkedRedirectUri(app, own, request.redirectUri);
  if (redirectUri !== own) {
    if (request.returnUrl !== undefined || request.autoConfirm === true) {
      throw fieldInvalid(
        request.returnUrl === undefined ? 'auto_confirm' : 'return_url',
        "is for the vault's own callback. Leave it out, or leave out redirect_uri.",
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
    'nothing completes the authorization. Set return_url, auto_confirm, or a redirect_uri of the product.',
  );
}

/**
 * Compared as exact strings, as Entra does. An app without redirect URIs is assumed to have the vault's own at Entra (next_steps
 * instructs the operator to add it); an app that lists others must list the vault's own too.
 */
function checkedRedirectUri(app: App, own: string, requested: string | undefined): string {
  const registered = app.redirectUris.length === 0 ? [own] : app.redirectUris;
  const redirectUri = requested ?? own;
  if (registered.includes(redirectUri)) return redirectUri;
  throw fieldInvalid(
    'redirect_uri',
    requested === undefined
      ? `${appName(app)} lacks the vault's callback ${own}. Name one of its redirectUris, or add this one to the app and in Entra.`
      : `must be exactly one of the redirectUris of ${appName(app)}`,
  );
}
