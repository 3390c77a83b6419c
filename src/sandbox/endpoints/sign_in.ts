import { EntraError, entraError } from '../errors/entra_error.ts';
import { type HttpResponse, html } from '../http/http_response.ts';
import type { Directory } from '../state/directory.ts';
import { policiesFor } from '../state/matching_policies.ts';
import { isPersonal } from '../state/personal_account.ts';
import type { Policy } from '../state/policy.ts';
import type { RequestRecord } from '../state/request_log.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';
import { type AuthorizeRequest, RefusedRequest } from './authorize_request.ts';
import { checkUser } from './eligibility.ts';
import { missingConsents, needsAdministrator, recordConsent } from './missing_consent.ts';
import { blockedPage, needsApprovalPage } from './pages.ts';
import { checkPersonalScopes, notForConsumers, takesPersonalAccounts } from './personal_account.ts';
import { atAuthorize, sendBack, sendBackDeclined, sendBackError } from './redirect_to_app.ts';
import { firstResource } from './requested_scopes.ts';

/** Somebody picked an account, and accepts or declines what the app wants. */
export function signIn(
  world: SandboxState,
  asked: AuthorizeRequest,
  choice: { user: User; accepts: boolean; isAutomatic: boolean },
  record: RequestRecord,
): HttpResponse {
  const { app, authority, returnAddress } = asked;
  const { user } = choice;
  record.userObjectId = user.objectId;
  record.username = user.username;
  if (authority.kind === 'common' && isPersonal(user.directoryId) && !takesPersonalAccounts(app))
    throw new RefusedRequest(notForConsumers(), returnAddress);
  const directory = checkUser(world, user, app, authority);
  if (!choice.accepts) return declined(asked, record);
  if (isPersonal(directory.id)) checkWishes(world, asked);

  const missing = missingConsents(world, asked, user, directory);
  if (asked.prompt === 'none' && missing.length > 0)
    throw new RefusedRequest(
      entraError(65001, { client: app.clientId, name: app.displayName }, { error: 'interaction_required' }),
      returnAddress,
    );
  if (needsAdministrator(missing, app, directory)) {
    record.outcome = '90094';
    // The page leads back in one way only, and nothing there says why.
    if (choice.isAutomatic) return sendBackDeclined(returnAddress);
    const back = sendBackDeclined({ ...returnAddress, responseMode: 'query' });
    return html(200, needsApprovalPage(app, String(back.headers['location'])));
  }
  const blocking = blockingPolicy(world, asked, user, directory)?.error;
  if (blocking?.error === 'invalid_resource') throw new RefusedRequest(blocking, returnAddress);
  if (blocking !== undefined) return blocked(world, asked, blocking, record);
  satisfyPolicies(world, asked, user, directory);
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

function checkWishes(world: SandboxState, { app, scope, asked, returnAddress }: AuthorizeRequest): void {
  try {
    checkPersonalScopes(world, app, scope, asked.permissions);
  } catch (error) {
    throw error instanceof EntraError ? new RefusedRequest(error, returnAddress) : error;
  }
}

/** Entra looks at the resource of the first scope, for which the code's token will be. */
function blockingPolicy(
  world: SandboxState,
  asked: AuthorizeRequest,
  user: User,
  directory: Directory,
): Policy | undefined {
  const resourceId = firstResource(world.resources, asked.scope);
  const policies = policiesFor({ directory, user, resourceId, clientId: asked.app.clientId });
  return policies.find(({ satisfiedBySignIn }) => !satisfiedBySignIn);
}

/** Those of each resource that is asked for. */
function satisfyPolicies(
  world: SandboxState,
  { app, asked }: AuthorizeRequest,
  user: User,
  directory: Directory,
): void {
  const { clientId } = app;
  for (const { id } of [world.resources.graph, ...asked.permissions.map(({ resource }) => resource)])
    for (const policy of policiesFor({ directory, user, resourceId: id, clientId }))
      if (policy.satisfiedBySignIn) policy.satisfiedBy.add(user.objectId);
  user.policies = user.policies.filter(({ satisfiedBy }) => !satisfiedBy.has(user.objectId));
}

function declined({ returnAddress }: AuthorizeRequest, record: RequestRecord): HttpResponse {
  record.outcome = '65004';
  return sendBackDeclined(returnAddress);
}

/**
 * Entra shows a page of its own from which no way leads back to the app: seen for 50105 (https://github.com/nextauthjs/next-auth/issues/5455),
 * remembered for 53003. Without a page (`prompt=none`) the app is told.
 */
function blocked(world: SandboxState, asked: AuthorizeRequest, error: EntraError, record: RequestRecord): HttpResponse {
  record.outcome = String(error.code);
  if (asked.prompt === 'none')
    return sendBackError(
      asked.returnAddress,
      { ...atAuthorize(error), error: 'interaction_required' },
      world.clock.now(),
    );
  return html(200, blockedPage(error));
}

/** Who picked an account last in this browser: what `prompt=none` goes by. */
export const SESSION_COOKIE = 'sandbox_session';
