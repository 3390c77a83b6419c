import { randomUUID } from 'node:crypto';
import type { EndpointCall } from '../endpoint_call.ts';
import type { EntraError } from '../errors/entra_error.ts';
import { empty, type HttpResponse, json } from '../http/http_response.ts';
import type { User } from '../state/entra_users.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { answerApplications, operationOf } from './applications_endpoint.ts';
import { appOf, type Bearer, BearerError, checkBearer } from './check_bearer_token.ts';
import { ClaimsChallenge, checkNotChallenged } from './claims_challenge.ts';
import { GraphError } from './graph_error.ts';

/**
 * A small part of Microsoft Graph: `/v1.0/me`, `/v1.0/me/messages` (GET), `/v1.0/me/sendMail` (POST), `/oidc/userinfo`,
 * `/v1.0/applications` with `addPassword`, `removePassword`, `addKey` and `removeKey`.
 */
export async function answerGraph(call: EndpointCall): Promise<HttpResponse> {
  const { state } = call;
  try {
    return await answer(call);
  } catch (error) {
    if (error instanceof GraphError) return failure(state, error, {});
    if (!(error instanceof BearerError)) throw error;
    // https://learn.microsoft.com/graph/resolve-auth-errors
    const challenge =
      `Bearer realm="", authorization_uri="${state.url}/common/oauth2/v2.0/authorize", ` +
      'client_id="00000003-0000-0000-c000-000000000000"' +
      (error instanceof ClaimsChallenge ? `, error="insufficient_claims", claims="${btoa(error.claims)}"` : '');
    return failure(state, new GraphError(401, 'InvalidAuthenticationToken', error.message), {
      'www-authenticate': challenge,
    });
  }
}

/** Records the operation and the app of the unchecked token. */
export function peekGraphRequest({ segment, request, record }: EndpointCall): void {
  record.operation = operationOf(segment, request.method);
  record.clientId = appOf(request);
}

/** A fault of kind `error` in Graph's form: `error` is the code, `description` the message. */
export function refuseGraph({ state }: EndpointCall, error: EntraError): HttpResponse {
  return failure(state, new GraphError(error.status, error.error, error.message), {});
}

async function answer(call: EndpointCall): Promise<HttpResponse> {
  const { state, segment: path, request } = call;
  const bearer = await checkBearer(state, request, 'graph');
  if (path.startsWith('/v1.0/applications')) return answerApplications(call, bearer);
  const user = state.users.find(bearer.objectId);
  if (user === undefined)
    throw new GraphError(400, 'BadRequest', '/me request is only valid with delegated authentication flow.');
  checkNotChallenged(bearer, user);
  const operation = OPERATIONS[`${request.method} ${path}`];
  if (operation === undefined) throw new GraphError(404, 'ResourceNotFound', `Resource not found for ${path}.`);
  if (!operation.needs.some((permission) => bearer.permissions.has(permission)))
    throw new GraphError(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
  return operation.answer(user, bearer);
}

interface Operation {
  /** One of these permissions is required. */
  needs: string[];
  answer(user: User, bearer: Bearer): HttpResponse;
}

const OPERATIONS: Record<string, Operation> = {
  'GET /v1.0/me': { needs: ['User.Read', 'User.ReadWrite', 'User.Read.All', 'User.ReadWrite.All'], answer: me },
  'GET /v1.0/me/messages': { needs: ['Mail.Read', 'Mail.ReadWrite'], answer: messages },
  'POST /v1.0/me/sendMail': { needs: ['Mail.Send'], answer: () => empty(202) },
  'GET /oidc/userinfo': { needs: ['openid'], answer: userInfo },
  'POST /oidc/userinfo': { needs: ['openid'], answer: userInfo },
};

function me(user: User): HttpResponse {
  const [givenName, ...rest] = user.displayName.split(' ');
  return json(200, {
    '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#users/$entity',
    businessPhones: [],
    displayName: user.displayName,
    givenName,
    jobTitle: null,
    mail: user.mail ?? null,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: 'en-US',
    surname: rest.join(' '),
    userPrincipalName: user.username,
    id: user.objectId,
  });
}

function messages(user: User): HttpResponse {
  const message = (number: number, subject: string) => ({
    id: `AAMkAD-${user.objectId}-${number}`,
    subject,
    bodyPreview: 'This message is fake.',
    isRead: number > 1,
    receivedDateTime: `2026-01-0${number}T08:00:00Z`,
    from: { emailAddress: { name: 'The Sandbox', address: 'sandbox@sandbox.example' } },
    toRecipients: [{ emailAddress: { name: user.displayName, address: user.mail ?? user.username } }],
  });
  return json(200, {
    '@odata.context': `https://graph.microsoft.com/v1.0/$metadata#users('${user.objectId}')/messages`,
    value: [message(2, 'Welcome to the sandbox'), message(1, 'Your token works')],
  });
}

/** https://learn.microsoft.com/entra/identity-platform/userinfo */
function userInfo(user: User, { claims, permissions }: Bearer): HttpResponse {
  const [givenName, ...rest] = user.displayName.split(' ');
  const names = { name: user.displayName, family_name: rest.join(' '), given_name: givenName };
  return json(200, {
    sub: claims.sub,
    ...(permissions.has('profile') ? names : {}),
    picture: 'https://graph.microsoft.com/v1.0/me/photo/$value',
    ...(permissions.has('email') && user.mail !== undefined ? { email: user.mail } : {}),
  });
}

function failure(state: SandboxState, error: GraphError, headers: Record<string, string>): HttpResponse {
  const { status, code, message, details } = error;
  const requestId = randomUUID();
  const innerError = {
    date: new Date(state.clock.now()).toISOString().slice(0, 19),
    'request-id': requestId,
    'client-request-id': requestId,
  };
  const body = { code, message, ...(details === undefined ? {} : { details }), innerError };
  return json(status, { error: body }, { ...headers, 'request-id': requestId });
}
