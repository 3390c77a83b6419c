import { type Answer, html, redirect } from './answer.ts';
import { findAuthority } from './directory.ts';
import { checkApp } from './eligibility.ts';
import { EntraError, entraError } from './entra_error.ts';
import { adminConsentPage, errorPage } from './pages.ts';
import type { SandboxRequest } from './sandbox_request.ts';
import { parsePermission, parseScopes } from './scope.ts';
import type { World } from './world.ts';

/**
 * `GET /{directory|organizations}/v2.0/adminconsent?client_id&scope&redirect_uri&state`: a page, or at once with `sandbox_auto=1`
 * (`sandbox_decline=1` says no). At `organizations`, `sandbox_auto={directory}` says whose administrator it is.
 * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
 */
export async function answerAdminConsent(world: World, segment: string, request: SandboxRequest): Promise<Answer> {
  try {
    return adminConsent(world, segment, request);
  } catch (error) {
    if (error instanceof EntraError) return html(400, errorPage(error));
    throw error;
  }
}

function adminConsent(world: World, segment: string, request: SandboxRequest): Answer {
  const { query } = request;
  const authority = findAuthority(world.directories, segment);
  if (authority === undefined) throw entraError(90002, { directory: segment });
  const clientId = query.get('client_id') ?? '';
  if (clientId === '') throw entraError(900144, { parameter: 'client_id' });
  const app = world.apps.find(clientId);
  checkApp(app, clientId, authority);
  const redirectUri = query.get('redirect_uri') ?? '';
  if (![...app.redirectUris, ...app.spaRedirectUris].includes(redirectUri))
    throw entraError(50011, { uri: redirectUri, client: app.clientId });

  const asked = parseScopes(world.resources, query.get('scope') ?? 'https://graph.microsoft.com/.default');
  const listed = app.permissions.map((text) => parsePermission(world.resources, text));
  const permissions = asked.permissions.flatMap((permission) =>
    permission.isDefault ? listed.filter(({ resource }) => resource === permission.resource) : [permission],
  );
  const back = (parameters: Record<string, string>) => {
    const state = query.get('state');
    const text = new URLSearchParams({ ...parameters, ...(state === null ? {} : { state }) });
    return redirect(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${text}`);
  };

  const automatic = query.get('sandbox_auto');
  const form = new URLSearchParams(request.body);
  if (request.method !== 'POST' && automatic === null) {
    const names = permissions.map(({ resource, name }) => `${name} (${resource.id})`);
    const directories = authority.directory === undefined ? world.directories.list() : [authority.directory];
    return html(200, adminConsentPage({ app, permissions: names, directories, action: `${request.path}?${query}` }));
  }
  const accepts = automatic === null ? form.get('decision') === 'accept' : query.get('sandbox_decline') !== '1';
  if (!accepts)
    return back({
      error: 'access_denied',
      error_subcode: 'cancel',
      error_description: 'AADSTS65004: User declined to consent to access the app.',
    });
  const chosen = automatic === null ? form.get('directory') : automatic;
  const directory = authority.directory ?? world.directories.find(chosen ?? '');
  if (directory === undefined) throw entraError(90002, { directory: chosen ?? '' });
  for (const { resource, name } of permissions)
    world.consents.grantForDirectory(directory.id, app.clientId, resource.id, [name]);
  world.consents.makePresent(directory.id, app.clientId);
  const scope = permissions.map(({ resource, name }) => `${resource.id}/${name}`).join(' ');
  return back({ admin_consent: 'True', tenant: directory.id, scope });
}
