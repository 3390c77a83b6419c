import type { EndpointCall } from '../endpoint_call.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { empty, type HttpResponse, json } from '../http/http_response.ts';
import { createSecret } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import type { Bearer } from './check_bearer_token.ts';
import { selected, viewApplication, viewPassword } from './graph_application_json.ts';
import { GraphError } from './graph_error.ts';

/**
 * `/v1.0/applications?$filter=appId eq '…'`, `/v1.0/applications/{id}` or `(appId='…')`, and POST `…/addPassword`, `…/removePassword`.
 * `Application.ReadWrite.OwnedBy` allows the apps that the caller owns, which may include itself.
 * https://learn.microsoft.com/graph/api/application-addpassword
 */
export function answerApplications({ state, segment, request }: EndpointCall, bearer: Bearer): HttpResponse {
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
  if (!mayWrite(app, bearer)) throw denied();
  if (action === 'addPassword') return addPassword(state, app, request);
  if (action === 'removePassword') return removePassword(app, request);
  throw new GraphError(400, 'BadRequest', `Resource not found for the segment '${action}'.`);
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

function addPassword(state: SandboxState, app: AppRegistration, request: SandboxRequest): HttpResponse {
  const { passwordCredential: input = {} } = readJson(request);
  const endTime = typeof input.endDateTime === 'string' ? Date.parse(input.endDateTime) : undefined;
  const startTime = typeof input.startDateTime === 'string' ? Date.parse(input.startDateTime) : undefined;
  if (Number.isNaN(endTime) || Number.isNaN(startTime))
    throw new GraphError(400, 'Request_BadRequest', 'A date of passwordCredential is not valid.');
  const { displayName } = input;
  const replicationDelay = app.secretReplicationDelay;
  const secret = createSecret({ displayName, startTime, endTime, replicationDelay }, state.clock.now());
  if (secret.endTime <= secret.startTime)
    throw new GraphError(400, 'Request_BadRequest', 'The end date of passwordCredential is not after its start date.');
  checkManagementPolicy(state, app, secret.endTime - secret.startTime);
  checkNumberOfSecrets(app);
  app.secrets.push(secret);
  // The value is returned only here.
  return json(200, {
    '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential',
    ...viewPassword(secret),
    secretText: secret.value,
  });
}

/** https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation */
function checkNumberOfSecrets({ audience, secrets }: AppRegistration): void {
  const acceptsPersonalAccounts = audience === 'common' || audience === 'consumers';
  if (!acceptsPersonalAccounts || secrets.length < 2) return;
  const message = `Not allowed to add ${secrets.length + 1} passwords. The limit is 2.`;
  throw new GraphError(400, 'TooManyAppPasswords', message);
}

function removePassword(app: AppRegistration, request: SandboxRequest): HttpResponse {
  const { keyId } = readJson(request);
  if (!app.secrets.some((secret) => secret.keyId === keyId))
    throw new GraphError(400, 'Request_BadRequest', `No password credential found with keyId '${keyId}'.`);
  app.secrets = app.secrets.filter((secret) => secret.keyId !== keyId);
  return empty(204);
}

interface PasswordRequest {
  keyId?: string;
  passwordCredential?: { displayName?: string; startDateTime?: unknown; endDateTime?: unknown };
}

function readJson(request: SandboxRequest): PasswordRequest {
  if (request.body === '') return {};
  try {
    const parsed: PasswordRequest | null = JSON.parse(request.body);
    return parsed ?? {};
  } catch {
    throw new GraphError(400, 'BadRequest', 'Unable to read JSON request payload.');
  }
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

function denied(): GraphError {
  return new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}

/** Throws if the effective policy forbids a new secret with this lifetime. */
function checkManagementPolicy(state: SandboxState, app: AppRegistration, lifetime: number): void {
  const policy = app.managementPolicy ?? state.directories.find(app.directoryId)?.managementPolicy;
  if (policy === undefined) return;
  if (policy.noNewSecrets) {
    const message = `Credential type not allowed as per assigned policy '${policy.id}'.`;
    throw new GraphError(400, 'CredentialTypeNotAllowedAsPerAppPolicy', message);
  }
  if (lifetime <= (policy.longestSecretLife ?? Number.POSITIVE_INFINITY)) return;
  // As in https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/10998
  const message = `Credential lifetime exceeds the max value allowed as per assigned policy '${policy.id}'.`;
  const details = [{ code: 'InvalidKeyEndDate', message, target: 'EndDate' }];
  throw new GraphError(400, 'CredentialInvalidLifetimeAsPerAppPolicy', message, details);
}
