import type { EndpointCall } from '../endpoint_call.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { type HttpResponse, json } from '../http/http_response.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import type { Bearer } from './check_bearer_token.ts';
import { selected, viewApplication } from './graph_application_json.ts';
import { GraphError } from './graph_error.ts';
import { addKey, removeKey } from './key_credential_actions.ts';
import { addPassword, removePassword } from './password_credential_actions.ts';

/**
 * `/v1.0/applications?$filter=appId eq '…'`, `/v1.0/applications/{id}` or `(appId='…')`, and POST of an action below it.
 * `Application.ReadWrite.OwnedBy` allows the apps that the caller owns, which may include itself.
 * https://learn.microsoft.com/graph/api/resources/application
 */
export async function answerApplications(
  { state, segment, request }: EndpointCall,
  bearer: Bearer,
): Promise<HttpResponse> {
  const { id, action } = readPath(segment);
  if (request.method === 'GET' && id === undefined) return list(state, request, bearer);
  const app = id === undefined ? undefined : state.apps.find(id);
  // Registrations of other directories are invisible.
  if (app === undefined || app.directoryId !== bearer.directoryId)
    throw new GraphError(
      404,
      'Request_ResourceNotFound',
      `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
    );
  if (request.method === 'GET' && action === undefined) {
    if (!mayRead(app, bearer)) throw denied();
    const select = request.query.get('$select') ?? undefined;
    return json(200, { '@odata.context': `${CONTEXT}/$entity`, ...selected(viewApplication(app, select), select) });
  }
  if (request.method !== 'POST')
    throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const change = { state, app, request };
  switch (action) {
    case 'addPassword':
    case 'removePassword':
      if (!mayWrite(app, bearer)) throw denied();
      return action === 'addPassword' ? addPassword(change) : removePassword(change);
    case 'addKey':
    case 'removeKey':
      if (!mayRollKeys(app, bearer)) throw denied();
      return action === 'addKey' ? addKey(change) : removeKey(change);
    default:
      throw new GraphError(400, 'BadRequest', `Resource not found for the segment '${action}'.`);
  }
}

/** `getApplication`, `listApplications`, or the action, for faults and gates. */
export function operationOf(path: string, method: string): string | undefined {
  if (!path.startsWith('/v1.0/applications')) return undefined;
  const { id, action } = readPath(path);
  if (action !== undefined || method !== 'GET') return action;
  return id === undefined ? 'listApplications' : 'getApplication';
}

function readPath(path: string): { id: string | undefined; action: string | undefined } {
  const [, objectId, clientId, action] =
    /^\/v1\.0\/applications(?:\/([^/(]+)|\(appId='([^']+)'\))?(?:\/(\w+))?$/.exec(path) ?? ([] as string[]);
  return { id: objectId ?? clientId, action };
}

const CONTEXT = 'https://graph.microsoft.com/v1.0/$metadata#applications';

function list(state: SandboxState, request: SandboxRequest, bearer: Bearer): HttpResponse {
  const wanted = /^appId eq '([^']*)'$/.exec(request.query.get('$filter')?.trim() ?? '')?.[1];
  if (request.query.has('$filter') && wanted === undefined)
    throw new GraphError(400, 'Request_UnsupportedQuery', "The sandbox knows only $filter=appId eq '…'.");
  const apps = state.apps
    .list()
    .filter((app) => app.directoryId === bearer.directoryId)
    .filter((app) => wanted === undefined || app.clientId === wanted.toLowerCase());
  if (!hasAny(bearer, READ) && !hasAny(bearer, OWNED)) throw denied();
  const select = request.query.get('$select') ?? undefined;
  const value = apps.filter((app) => mayRead(app, bearer)).map((app) => selected(viewApplication(app), select));
  return json(200, { '@odata.context': CONTEXT, value });
}

const WRITE = ['Application.ReadWrite.All', 'Directory.ReadWrite.All'];
const READ = ['Application.Read.All', 'Directory.Read.All', ...WRITE];
const OWNED = ['Application.ReadWrite.OwnedBy'];

function hasAny(bearer: Bearer, names: string[]): boolean {
  return names.some((name) => bearer.roles.has(name) || bearer.permissions.has(name));
}

function mayRead(app: AppRegistration, bearer: Bearer): boolean {
  return hasAny(bearer, READ) || mayWrite(app, bearer);
}

function mayWrite(app: AppRegistration, bearer: Bearer): boolean {
  return hasAny(bearer, WRITE) || (hasAny(bearer, OWNED) && app.owners.includes(bearer.clientId));
}

/** "An application does not need any specific permission to roll its own keys." https://learn.microsoft.com/graph/api/application-addkey */
function mayRollKeys(app: AppRegistration, bearer: Bearer): boolean {
  const isAppItself = bearer.clientId === app.clientId && bearer.claims['scp'] === undefined;
  return isAppItself || mayWrite(app, bearer);
}

function denied(): GraphError {
  return new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}
