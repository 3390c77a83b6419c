import { EntraError, entraError } from '../errors/entra_error.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { type HttpResponse, html, redirect } from '../http/http_response.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, CONSUMERS_DIRECTORY_ID, findAuthority } from '../state/directory.ts';
import type { SandboxState } from '../state/state.ts';
import { checkApp } from './eligibility.ts';
import { adminConsentPage, errorPage } from './pages.ts';
import { errorParameters } from './redirect_to_app.ts';
import { type AskedPermission, parsePermission, parseScopes } from './requested_scopes.ts';

/**
 * `GET /{directory|organizations}/v2.0/adminconsent?client_id&scope&redirect_uri&state`: a page, or at once with `sandbox_auto=1`
 * (`sandbox_decline=1` says no). At `organizations`, `sandbox_auto={directory}` says whose administrator it is.
 * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
 */
export async function answerAdminConsent(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
): Promise<HttpResponse> {
  return orPage(() => adminConsent(world, readRequest(world, segment, request)));
}

/** A fault: as Microsoft documents a refusal. `admin_consent=True` only says what was asked, not that it was granted. */
export function refuseAdminConsent(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  error: EntraError,
): HttpResponse {
  return orPage(() => {
    const asked = readRequest(world, segment, request);
    // There, declining (65004) is called consent_required.
    const named = error.code === 65004 ? { code: 65004, message: error.message, error: 'consent_required' } : error;
    return back(asked, { admin_consent: 'True', ...errorParameters(named, world.clock.now()) });
  });
}

interface AdminConsentRequest {
  app: AppRegistration;
  authority: Authority;
  redirectUri: string;
  /** What is asked for; with `.default` all that the registration lists, of every resource. */
  permissions: AskedPermission[];
  request: SandboxRequest;
}

function readRequest(world: SandboxState, segment: string, request: SandboxRequest): AdminConsentRequest {
  const { query } = request;
  const authority = findAuthority(world.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  // A personal account has no administrator.
  if (authority.directory?.id === CONSUMERS_DIRECTORY_ID) throw entraError(500200);
  const clientId = query.get('client_id') ?? '';
  if (clientId === '') throw entraError(900144, { parameter: 'client_id' });
  const app = world.apps.find(clientId);
  checkApp(app, clientId, authority);
  const redirectUri = query.get('redirect_uri') ?? '';
  if (![...app.redirectUris, ...app.spaRedirectUris].includes(redirectUri))
    throw entraError(50011, { uri: redirectUri, client: app.clientId });

  const asked = parseScopes(world.resources, query.get('scope') ?? 'https://graph.microsoft.com/.default');
  const isStatic = asked.permissions.some((permission) => permission.isDefault);
  const listed = app.permissions.map((text) => parsePermission(world.resources, text));
  return { app, authority, redirectUri, permissions: isStatic ? listed : asked.permissions, request };
}

function adminConsent(world: SandboxState, asked: AdminConsentRequest): HttpResponse {
  const { app, authority, permissions, request } = asked;
  const automatic = request.query.get('sandbox_auto');
  if (request.method !== 'POST' && automatic === null) {
    const names = permissions.map(({ resource, name }) => `${name} (${resource.id})`);
    const directories = authority.directory === undefined ? world.directories.list() : [authority.directory];
    const administered = directories.filter(({ id }) => id !== CONSUMERS_DIRECTORY_ID);
    const action = `${request.path}?${request.query}`;
    return html(200, adminConsentPage({ app, permissions: names, directories: administered, action }));
  }
  const form = new URLSearchParams(request.body);
  const accepts = automatic === null ? form.get('decision') === 'accept' : !request.query.has('sandbox_decline', '1');
  // Measured, unlike what is documented: https://github.com/MicrosoftDocs/azure-docs/issues/41053
  if (!accepts) return back(asked, { error: 'access_denied', error_subcode: 'cancel' });
  const chosen = automatic === null ? form.get('directory') : automatic;
  const directory = authority.directory ?? world.directories.find(chosen ?? '');
  if (directory === undefined || directory.id === CONSUMERS_DIRECTORY_ID)
    throw entraError(90002, { directory: chosen ?? '' });
  for (const { resource, name } of permissions)
    world.consents.grantForDirectory(directory.id, app.clientId, resource.id, [name]);
  world.consents.makePresent(directory.id, app.clientId);
  const scope = permissions.map(({ resource, name }) => `${resource.id}/${name}`).join(' ');
  return back(asked, { admin_consent: 'True', tenant: directory.id, scope });
}

function back({ redirectUri, request }: AdminConsentRequest, parameters: Record<string, string>): HttpResponse {
  const state = request.query.get('state');
  const text = new URLSearchParams({ ...parameters, ...(state === null ? {} : { state }) });
  return redirect(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${text}`);
}

function orPage(answer: () => HttpResponse): HttpResponse {
  try {
    return answer();
  } catch (error) {
    if (error instanceof EntraError) return html(400, errorPage(error));
    throw error;
  }
}
