import { EntraError, entraError } from '../errors/entra_error.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import type { HttpResponse } from '../http/http_response.ts';
import { html } from '../http/http_response.ts';
import { findAuthority } from '../state/directory.ts';
import type { RequestRecord } from '../state/request_log.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';
import { type AuthorizeRequest, RefusedRequest, readAuthorizeRequest } from './authorize_request.ts';
import { checkUser } from './eligibility.ts';
import { consentPage, errorPage } from './pages.ts';
import { atAuthorize, sendBackDeclined, sendBackError } from './redirect_to_app.ts';
import { firstResource } from './requested_scopes.ts';
import { SESSION_COOKIE, signIn } from './sign_in.ts';

/**
 * `GET /{directory}/oauth2/v2.0/authorize`: a page with accounts and permissions; its form comes back as a POST to the same address.
 * Without a page (for tests): `sandbox_auto=1` with a `login_hint`, `sandbox_auto={username}`, the header `x-sandbox-auto: {username}`,
 * or the sandbox's option `autoSignIn`; `sandbox_decline=1` then says no.
 */
export async function answerAuthorize(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  record: RequestRecord,
): Promise<HttpResponse> {
  try {
    const asked = readAuthorizeRequest(world, segment, request.query);
    const answer =
      request.method === 'POST' ? decided(world, asked, request, record) : opened(world, asked, request, record);
    record.outcome = record.outcome === 'pending' ? 'ok' : record.outcome;
    return answer;
  } catch (error) {
    if (error instanceof RefusedRequest) {
      record.outcome = String(error.reason.code);
      return sendBackError(error.returnAddress, error.reason, world.clock.now());
    }
    if (!(error instanceof EntraError)) throw error;
    record.outcome = String(error.code);
    return html(400, errorPage(error));
  }
}

export function peekAuthorizeRequest(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  record: RequestRecord,
): void {
  record.directory = segment;
  record.clientId = request.query.get('client_id') ?? undefined;
  record.scope = request.query.get('scope') ?? undefined;
  record.resource = firstResource(world.resources, record.scope ?? '');
  record.hasClaims = (request.query.get('claims') ?? '') !== '';
  record.username = automaticUsername(world, request) ?? request.query.get('login_hint') ?? undefined;
  const user = record.username === undefined ? undefined : world.users.find(record.username);
  record.userObjectId = user?.objectId;
  record.directoryId = findAuthority(world.directories, segment)?.directory?.id ?? user?.directoryId;
}

/** A fault: Entra sends the browser back with the error, as soon as it arrives. */
export function refuseAuthorize(
  world: SandboxState,
  segment: string,
  request: SandboxRequest,
  error: EntraError,
): HttpResponse {
  try {
    const { returnAddress } = readAuthorizeRequest(world, segment, request.query);
    return sendBackError(returnAddress, atAuthorize(error), world.clock.now());
  } catch (refusal) {
    if (refusal instanceof EntraError) return html(400, errorPage(refusal));
    throw refusal;
  }
}

/** The browser arrives. */
function opened(
  world: SandboxState,
  asked: AuthorizeRequest,
  request: SandboxRequest,
  record: RequestRecord,
): HttpResponse {
  const automatic = automaticUsername(world, request);
  if (automatic !== undefined) {
    const user = world.users.find(automatic);
    if (user === undefined) throw entraError(50034, { user: automatic, directory: asked.authority.segment });
    const declines = request.query.get('sandbox_decline') === '1';
    return signIn(world, asked, { user, accepts: !declines, isAutomatic: true }, record);
  }
  const signedIn = sessionUser(world, request);
  if (asked.prompt === 'none') {
    if (signedIn === undefined) throw new RefusedRequest(entraError(50058), asked.returnAddress);
    return signIn(world, asked, { user: signedIn, accepts: true, isAutomatic: true }, record);
  }
  record.outcome = 'page';
  const users = world.users.list().filter((user) => isWelcome(world, asked, user));
  const preferred = world.users.find(asked.loginHint ?? '') ?? signedIn;
  return html(200, consentPage({ ...asked, users, preferred, action: `${request.path}?${request.query}` }));
}

/** The page's form comes back. */
function decided(
  world: SandboxState,
  asked: AuthorizeRequest,
  request: SandboxRequest,
  record: RequestRecord,
): HttpResponse {
  const form = new URLSearchParams(request.body);
  const accepts = form.get('decision') === 'accept';
  const user = world.users.find(form.get('account') ?? '');
  if (user === undefined && accepts) throw entraError(50034, { user: '', directory: asked.authority.segment });
  if (user === undefined) {
    record.outcome = '65004';
    return sendBackDeclined(asked.returnAddress);
  }
  return signIn(world, asked, { user, accepts, isAutomatic: false }, record);
}

function sessionUser(world: SandboxState, request: SandboxRequest): User | undefined {
  const value = new RegExp(`${SESSION_COOKIE}=([0-9a-f-]+)`).exec(request.headers.cookie ?? '')?.[1];
  return value === undefined ? undefined : world.users.find(value);
}

function automaticUsername(world: SandboxState, request: SandboxRequest): string | undefined {
  const header = request.headers['x-sandbox-auto'];
  if (typeof header === 'string') return header;
  const parameter = request.query.get('sandbox_auto');
  if (parameter !== null && parameter !== '1') return parameter;
  return parameter === '1' ? (request.query.get('login_hint') ?? '') : world.settings.autoSignIn;
}

function isWelcome(world: SandboxState, asked: AuthorizeRequest, user: User): boolean {
  try {
    checkUser(world, user, asked.app, asked.authority);
    return true;
  } catch {
    return false;
  }
}
