import type { EndpointCall } from '../endpoint_call.ts';
import { EntraError, entraError } from '../errors/entra_error.ts';
import { type HttpResponse, html } from '../http/http_response.ts';
import { findAuthority } from '../state/entra_directories.ts';
import type { User } from '../state/entra_users.ts';
import { checkUser } from './check_sign_in_allowed.ts';
import { SESSION_COOKIE, signIn } from './complete_sign_in.ts';
import { consentPage, errorPage } from './html_pages.ts';
import { firstResource } from './parse_requested_scopes.ts';
import { type AuthorizeRequest, RedirectedError, readAuthorizeRequest } from './read_authorize_request.ts';
import { authorizeError, redirectDeclined, redirectError } from './redirect_to_app.ts';

/**
 * `GET /{directory}/oauth2/v2.0/authorize`: a page with accounts and permissions; its form is posted to the same address.
 * Without a page (for tests): `sandbox_auto=1` with a `login_hint`, `sandbox_auto={username}`, the header
 * `x-sandbox-auto: {username}`, or the setting `autoSignIn`; `sandbox_decline=1` then declines.
 */
export function answerAuthorize(call: EndpointCall): HttpResponse {
  const { record, request } = call;
  try {
    const authorizeRequest = readAuthorizeRequest(call);
    const answer = request.method === 'POST' ? decide(call, authorizeRequest) : open(call, authorizeRequest);
    if (record.outcome === 'pending') record.outcome = 'ok';
    return answer;
  } catch (error) {
    if (error instanceof RedirectedError) {
      record.outcome = String(error.reason.code);
      return redirectError(error.returnAddress, error.reason, call.state.clock.now());
    }
    if (!(error instanceof EntraError)) throw error;
    record.outcome = String(error.code);
    return html(400, errorPage(error));
  }
}

export function peekAuthorizeRequest(call: EndpointCall): void {
  const { state, segment, record } = call;
  const { query } = call.request;
  record.directory = segment;
  record.clientId = query.get('client_id') ?? undefined;
  record.scope = query.get('scope') ?? undefined;
  record.resource = firstResource(state.resources, record.scope ?? '');
  record.hasClaims = (query.get('claims') ?? '') !== '';
  record.username = automaticUsername(call) ?? query.get('login_hint') ?? undefined;
  const user = record.username === undefined ? undefined : state.users.find(record.username);
  record.userObjectId = user?.objectId;
  record.directoryId = findAuthority(state.directories, segment)?.directory?.id ?? user?.directoryId;
}

/** A fault: Entra redirects the browser to the app with the error at once. */
export function refuseAuthorize(call: EndpointCall, error: EntraError): HttpResponse {
  try {
    const { returnAddress } = readAuthorizeRequest(call);
    return redirectError(returnAddress, authorizeError(error), call.state.clock.now());
  } catch (cause) {
    if (cause instanceof EntraError) return html(400, errorPage(cause));
    throw cause;
  }
}

/** The browser opens the address. */
function open(call: EndpointCall, authorizeRequest: AuthorizeRequest): HttpResponse {
  const { state, request, record } = call;
  const { authority, prompt, returnAddress } = authorizeRequest;
  const automatic = automaticUsername(call);
  if (automatic !== undefined) {
    const user = state.users.find(automatic);
    if (user === undefined) throw entraError(50034, { user: automatic, directory: authority.segment });
    const accepts = request.query.get('sandbox_decline') !== '1';
    return signIn(call, authorizeRequest, { user, accepts, isAutomatic: true });
  }
  const sessionUser = findSessionUser(call);
  if (prompt === 'none') {
    if (sessionUser === undefined) throw new RedirectedError(entraError(50058), returnAddress);
    return signIn(call, authorizeRequest, { user: sessionUser, accepts: true, isAutomatic: true });
  }
  record.outcome = 'page';
  const users = state.users.list().filter((user) => isEligible(call, authorizeRequest, user));
  const preferred = state.users.find(authorizeRequest.loginHint ?? '') ?? sessionUser;
  return html(200, consentPage({ ...authorizeRequest, users, preferred, action: `${request.path}?${request.query}` }));
}

/** The form of the page is posted. */
function decide(call: EndpointCall, authorizeRequest: AuthorizeRequest): HttpResponse {
  const { authority, returnAddress } = authorizeRequest;
  const form = new URLSearchParams(call.request.body);
  const accepts = form.get('decision') === 'accept';
  const user = call.state.users.find(form.get('account') ?? '');
  if (user !== undefined) return signIn(call, authorizeRequest, { user, accepts, isAutomatic: false });
  if (accepts) throw entraError(50034, { user: '', directory: authority.segment });
  call.record.outcome = '65004';
  return redirectDeclined(returnAddress);
}

function findSessionUser({ state, request }: EndpointCall): User | undefined {
  const value = new RegExp(`${SESSION_COOKIE}=([0-9a-f-]+)`).exec(request.headers.cookie ?? '')?.[1];
  return value === undefined ? undefined : state.users.find(value);
}

function automaticUsername({ state, request }: EndpointCall): string | undefined {
  const header = request.headers['x-sandbox-auto'];
  if (typeof header === 'string') return header;
  const parameter = request.query.get('sandbox_auto');
  if (parameter !== null && parameter !== '1') return parameter;
  return parameter === '1' ? (request.query.get('login_hint') ?? '') : state.settings.autoSignIn;
}

function isEligible({ state }: EndpointCall, { app, authority }: AuthorizeRequest, user: User): boolean {
  try {
    checkUser(state, user, app, authority);
    return true;
  } catch {
    return false;
  }
}
