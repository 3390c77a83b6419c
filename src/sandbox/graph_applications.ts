import { type Answer, empty, json } from './answer.ts';
import { type ClientSecret, createSecret, hintOf } from './app_credential.ts';
import type { AppRegistration } from './app_registration.ts';
import type { Bearer } from './bearer.ts';
import { GraphError } from './graph_error.ts';
import type { SandboxRequest } from './sandbox_request.ts';
import type { World } from './world.ts';

/**
 * `/v1.0/applications?$filter=appId eq '…'`, `/v1.0/applications/{id}` or `(appId='…')`, and POST `…/addPassword`, `…/removePassword`.
 * `Application.ReadWrite.OwnedBy` reaches the apps that the caller owns, itself among them.
 * https://learn.microsoft.com/graph/api/application-addpassword
 */
export function answerApplications(world: World, path: string, request: SandboxRequest, bearer: Bearer): Answer {
  const [, key, operation] =
    /^\/v1\.0\/applications(?:\/([^/(]+)|\(appId='[^']+'\))?(?:\/(\w+))?$/.exec(path) ?? ([] as string[]);
  const clientId = /\(appId='([^']+)'\)/.exec(path)?.[1];
  const id = key ?? clientId;
  if (request.method === 'GET' && id === undefined) return list(world, request, bearer);
  const app = id === undefined ? undefined : world.apps.find(id);
  if (app === undefined) throw new GraphError(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
  if (request.method === 'GET' && operation === undefined) {
    if (!mayRead(app, bearer)) throw denied();
    return json(200, { '@odata.context': `${CONTEXT}/$entity`, ...view(app) });
  }
  if (request.method !== 'POST')
    throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  if (!mayWrite(app, bearer)) throw denied();
  if (operation === 'addPassword') return addPassword(world, app, request);
  if (operation === 'removePassword') return removePassword(app, request);
  throw new GraphError(400, 'BadRequest', `Resource not found for the segment '${operation}'.`);
}

const CONTEXT = 'https://graph.microsoft.com/v1.0/$metadata#applications';

function list(world: World, request: SandboxRequest, bearer: Bearer): Answer {
  const wanted = /^appId eq '([^']*)'$/.exec(request.query.get('$filter')?.trim() ?? '')?.[1];
  if (request.query.has('$filter') && wanted === undefined)
    throw new GraphError(400, 'Request_UnsupportedQuery', "The sandbox knows only $filter=appId eq '…'.");
  const apps = world.apps.list().filter((app) => wanted === undefined || app.clientId === wanted.toLowerCase());
  if (!hasAny(bearer, READ) && !hasAny(bearer, OWNED)) throw denied();
  return json(200, { '@odata.context': CONTEXT, value: apps.filter((app) => mayRead(app, bearer)).map(view) });
}

function addPassword(world: World, app: AppRegistration, request: SandboxRequest): Answer {
  const { passwordCredential: wish = {} } = readJson(request);
  const endTime = typeof wish.endDateTime === 'string' ? Date.parse(wish.endDateTime) : undefined;
  const startTime = typeof wish.startDateTime === 'string' ? Date.parse(wish.startDateTime) : undefined;
  if (Number.isNaN(endTime) || Number.isNaN(startTime))
    throw new GraphError(400, 'Request_BadRequest', 'A date of passwordCredential is not valid.');
  const secret = createSecret({ displayName: wish.displayName, startTime, endTime }, world.clock.now());
  app.secrets.push(secret);
  // The only time that the value is told.
  return json(200, {
    '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential',
    ...viewSecret(secret),
    secretText: secret.value,
  });
}

function removePassword(app: AppRegistration, request: SandboxRequest): Answer {
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

function view(app: AppRegistration) {
  return {
    id: app.objectId,
    appId: app.clientId,
    displayName: app.displayName,
    signInAudience: AUDIENCES[app.audience] ?? 'AzureADMyOrg',
    passwordCredentials: app.secrets.map((secret) => ({ ...viewSecret(secret), secretText: null })),
    keyCredentials: app.certificates.map((certificate) => ({
      customKeyIdentifier: Buffer.from(certificate.thumbprint, 'base64url').toString('hex').toUpperCase(),
      keyId: certificate.keyId,
      type: 'AsymmetricX509Cert',
      usage: 'Verify',
      startDateTime: new Date(certificate.startTime).toISOString(),
      endDateTime: new Date(certificate.endTime).toISOString(),
    })),
    web: { redirectUris: app.redirectUris },
    spa: { redirectUris: app.spaRedirectUris },
  };
}

const AUDIENCES: Record<string, string> = {
  organizations: 'AzureADMultipleOrgs',
  common: 'AzureADandPersonalMicrosoftAccount',
  consumers: 'PersonalMicrosoftAccount',
};

function viewSecret(secret: ClientSecret) {
  return {
    customKeyIdentifier: null,
    displayName: secret.displayName,
    endDateTime: new Date(secret.endTime).toISOString(),
    hint: hintOf(secret),
    keyId: secret.keyId,
    startDateTime: new Date(secret.startTime).toISOString(),
  };
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
