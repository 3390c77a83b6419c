import { entraError } from '../errors/entra_error.ts';
import type { Resource } from '../state/protected_resources.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { policiesFor } from '../state/token_refusal_policy.ts';
import { appTokenResponse } from './create_token_response.ts';
import { required, type TokenRequest } from './issue_user_tokens.ts';
import { parseScopes } from './parse_requested_scopes.ts';

/** A token for the app itself: in one directory, for one resource, with the app's roles there. */
export async function clientCredentials(state: SandboxState, request: TokenRequest): Promise<Record<string, unknown>> {
  const { app, authority, form, record } = request;
  const { directory } = authority;
  if (directory === undefined) throw entraError(50059);
  const isKnown = directory.id === app.directoryId || state.consents.hasServicePrincipal(directory.id, app.clientId);
  if (!isKnown) throw entraError(7000229, { client: app.clientId, directory: directory.displayName });
  const scope = required(form, 'scope');
  const [first] = parseScopes(state.resources, scope).permissions;
  if (first === undefined || !first.isDefault) throw entraError(1002012, { scope });
  record.resource = first.resource.id;
  const [policy] = policiesFor({ directory, user: undefined, resourceId: first.resource.id, clientId: app.clientId });
  if (policy !== undefined) throw policy.error;
  return appTokenResponse(state, {
    app,
    directory,
    resource: first.resource,
    roles: app.applicationPermissions.filter((name) => familyOfRole(name) === first.resource.family),
    claims: form.get('claims') ?? undefined,
  });
}

/** https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth */
const EXCHANGE_ROLES: ReadonlySet<string> = new Set(['IMAP.AccessAsApp', 'POP.AccessAsApp', 'SMTP.SendAsApp']);

function familyOfRole(name: string): Resource['family'] {
  return EXCHANGE_ROLES.has(name) ? 'outlook' : 'graph';
}
