import type { EndpointCall } from '../endpoint_call.ts';
import { EntraError, entraError } from '../errors/entra_error.ts';
import { type HttpResponse, html } from '../http/http_response.ts';
import { findAuthority, isPersonal } from '../state/entra_directories.ts';
import { checkApp, checkRedirectUri } from './check_sign_in_allowed.ts';
import { adminConsentPage, errorPage } from './html_pages.ts';
import { parsePermission, parseScopes } from './parse_requested_scopes.ts';
import { errorParameters, redirectToApp } from './redirect_to_app.ts';

/**
 * `GET /{directory|organizations}/v2.0/adminconsent?client_id&scope&redirect_uri&state`: a page, or a redirect with
 * `sandbox_auto=1` (`sandbox_decline=1` declines). At `organizations`, `sandbox_auto={directory}` names the administrator's.
 * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
 */
export function answerAdminConsent(call: EndpointCall): HttpResponse {
  return orErrorPage(() => {
    const { state, request } = call;
    const { app, authority, permissions, returnAddress } = readRequest(call);
    const automatic = request.query.get('sandbox_auto');
    if (request.method !== 'POST' && automatic === null) {
      const names = permissions.map(({ resource, name }) => `${name} (${resource.id})`);
      const all = authority.directory === undefined ? state.directories.list() : [authority.directory];
      const directories = all.filter(({ id }) => !isPersonal(id));
      const action = `${request.path}?${request.query}`;
      return html(200, adminConsentPage({ app, permissions: names, directories, action }));
    }
    const form = new URLSearchParams(request.body);
    const accepts = automatic === null ? form.get('decision') === 'accept' : !request.query.has('sandbox_decline', '1');
    // As measured, which differs from the documentation: https://github.com/MicrosoftDocs/azure-docs/issues/41053
    if (!accepts) return redirectToApp(returnAddress, { error: 'access_denied', error_subcode: 'cancel' });
    const chosen = automatic ?? form.get('directory') ?? '';
    const directory = authority.directory ?? state.directories.find(chosen);
    if (directory === undefined || isPersonal(directory.id)) throw entraError(90002, { directory: chosen });
    for (const { resource, name } of permissions) state.consents.grant(directory.id, app.clientId, resource.id, [name]);
    state.consents.addServicePrincipal(directory.id, app.clientId);
    const scope = permissions.map(({ resource, name }) => `${resource.id}/${name}`).join(' ');
    return redirectToApp(returnAddress, { admin_consent: 'True', tenant: directory.id, scope });
  });
}

/** A fault, in the documented form. `admin_consent=True` means that consent was requested, not that it was granted. */
export function refuseAdminConsent(call: EndpointCall, error: EntraError): HttpResponse {
  return orErrorPage(() => {
    const { returnAddress } = readRequest(call);
    // Here, declining (65004) is named consent_required.
    const named = error.code === 65004 ? { code: 65004, message: error.message, error: 'consent_required' } : error;
    const parameters = { admin_consent: 'True', ...errorParameters(named, call.state.clock.now()) };
    return redirectToApp(returnAddress, parameters);
  });
}

function readRequest({ state, segment, request: { query } }: EndpointCall) {
  const authority = findAuthority(state.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  // Personal accounts have no administrator.
  if (isPersonal(authority.directory?.id)) throw entraError(500200);
  const clientId = query.get('client_id') ?? '';
  if (clientId === '') throw entraError(900144, { parameter: 'client_id' });
  const app = state.apps.find(clientId);
  checkApp(app, clientId, authority);
  const redirectUri = query.get('redirect_uri') ?? '';
  checkRedirectUri(app, redirectUri);

  const requested = parseScopes(state.resources, query.get('scope') ?? 'https://graph.microsoft.com/.default');
  const returnAddress = { redirectUri, responseMode: 'query', state: query.get('state') ?? undefined };
  // With `.default`: all permissions of the registration, of every resource.
  const permissions = requested.permissions.some(({ isDefault }) => isDefault)
    ? app.permissions.map((text) => parsePermission(state.resources, text))
    : requested.permissions;
  return { app, authority, returnAddress, permissions };
}

function orErrorPage(answer: () => HttpResponse): HttpResponse {
  try {
    return answer();
  } catch (error) {
    if (error instanceof EntraError) return html(400, errorPage(error));
    throw error;
  }
}
