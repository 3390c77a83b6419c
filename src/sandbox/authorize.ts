import type { Answer } from './answer.ts';
import { html } from './answer.ts';
import { type AuthorizeRequest, RefusedRequest, readAuthorizeRequest } from './authorize_request.ts';
import { sendBack, sendBackError } from './browser_return.ts';
import { missingConsents, needsAdministrator, recordConsent } from './consenting.ts';
import { checkUser } from './eligibility.ts';
import { EntraError, entraError } from './entra_error.ts';
import { consentPage, errorPage, needsApprovalPage } from './pages.ts';
import type { RequestRecord } from './requests.ts';
import type { SandboxRequest } from './sandbox_request.ts';
import type { User } from './user.ts';
import type { World } from './world.ts';

/**
 * `GET /{directory}/oauth2/v2.0/authorize`: a page with accounts and permissions; its form comes back as a POST to the same address.
 * Without a page (for tests): `sandbox_auto=1` with a `login_hint`, `sandbox_auto={username}`, the header `x-sandbox-auto: {username}`,
 * or the sandbox's option `autoSignIn`; `sandbox_decline=1` then says no.
 */
export async function answerAuthorize(
  world: World,
  segment: string,
  request: SandboxRequest,
  record: RequestRecord,
): Promise<Answer> {
  record.directory = segment;
  record.clientId = request.query.get('client_id') ?? undefined;
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

/** The browser arrives. */
function opened(world: World, asked: AuthorizeRequest, request: SandboxRequest, record: RequestRecord): Answer {
  const automatic = automaticUsername(world, asked, request);
  if (automatic !== undefined) {
    const user = world.users.find(automatic);
    if (user === undefined) throw entraError(50034, { user: automatic, directory: asked.authority.segment });
    const declines = request.query.get('sandbox_decline') === '1';
    return settle(world, asked, { user, accepts: !declines, isAutomatic: true }, record);
  }
  const signedIn = sessionUser(world, request);
  if (asked.prompt === 'none') {
    if (signedIn === undefined) throw new RefusedRequest(entraError(50058), asked.returnAddress);
    return settle(world, asked, { user: signedIn, accepts: true, isAutomatic: true }, record);
  }
  record.outcome = 'page';
  const users = world.users.list().filter((user) => isWelcome(world, asked, user));
  const preferred = world.users.find(asked.loginHint ?? '') ?? signedIn;
  return html(200, consentPage({ ...asked, users, preferred, action: `${request.path}?${request.query}` }));
}

/** The page's form comes back. */
function decided(world: World, asked: AuthorizeRequest, request: SandboxRequest, record: RequestRecord): Answer {
  const form = new URLSearchParams(request.body);
  const accepts = form.get('decision') === 'accept';
  const user = world.users.find(form.get('account') ?? '');
  if (user === undefined && accepts) throw entraError(50034, { user: '', directory: asked.authority.segment });
  if (user === undefined) throw new RefusedRequest(entraError(65004), asked.returnAddress);
  return settle(world, asked, { user, accepts, isAutomatic: false }, record);
}

function settle(
  world: World,
  asked: AuthorizeRequest,
  choice: { user: User; accepts: boolean; isAutomatic: boolean },
  record: RequestRecord,
): Answer {
  const { app, authority, returnAddress } = asked;
  const { user } = choice;
  record.userObjectId = user.objectId;
  record.username = user.username;
  const directory = checkUser(world, user, app, authority);
  if (!choice.accepts) throw new RefusedRequest(entraError(65004), returnAddress);

  const missing = missingConsents(world, asked, user, directory);
  if (asked.prompt === 'none' && missing.length > 0)
    throw new RefusedRequest(
      entraError(65001, { client: app.clientId, name: app.displayName }, { error: 'interaction_required' }),
      returnAddress,
    );
  if (needsAdministrator(missing, directory)) {
    const error = entraError(90094, { name: app.displayName });
    if (choice.isAutomatic) throw new RefusedRequest(error, returnAddress);
    record.outcome = '90094';
    const back = sendBackError({ ...returnAddress, responseMode: 'query' }, error, world.clock.now());
    return html(200, needsApprovalPage(app.displayName, String(back.headers['location'])));
  }
  const blocking = user.policy !== undefined && !user.policy.satisfiedBySignIn ? user.policy.error : undefined;
  if (blocking !== undefined) throw blocking;
  user.policy = undefined;
  recordConsent(world, asked, user, directory);
  const code = world.codes.issue({
    clientId: app.clientId,
    userObjectId: user.objectId,
    directoryId: directory.id,
    scope: asked.scope,
    redirectUri: returnAddress.redirectUri,
    nonce: asked.nonce,
    codeChallenge: asked.codeChallenge,
    codeChallengeMethod: asked.codeChallengeMethod,
  });
  const session = { 'set-cookie': `${SESSION_COOKIE}=${user.objectId}; Path=/; HttpOnly; SameSite=Lax` };
  return sendBack(returnAddress, { code, session_state: user.objectId }, session);
}

/** Who picked an account last in this browser: what `prompt=none` goes by. */
export const SESSION_COOKIE = 'sandbox_session';

function sessionUser(world: World, request: SandboxRequest): User | undefined {
  const value = new RegExp(`${SESSION_COOKIE}=([0-9a-f-]+)`).exec(request.headers.cookie ?? '')?.[1];
  return value === undefined ? undefined : world.users.find(value);
}

function automaticUsername(world: World, asked: AuthorizeRequest, request: SandboxRequest): string | undefined {
  const header = request.headers['x-sandbox-auto'];
  if (typeof header === 'string') return header;
  const parameter = request.query.get('sandbox_auto');
  if (parameter !== null && parameter !== '1') return parameter;
  return parameter === '1' ? (asked.loginHint ?? '') : world.settings.autoSignIn;
}

function isWelcome(world: World, asked: AuthorizeRequest, user: User): boolean {
  try {
    checkUser(world, user, asked.app, asked.authority);
    return true;
  } catch {
    return false;
  }
}
