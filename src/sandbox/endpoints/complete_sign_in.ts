import type { EndpointCall } from '../endpoint_call.ts';
import { EntraError, entraError } from '../errors/entra_error.ts';
import { type HttpResponse, html } from '../http/http_response.ts';
import { isPersonal } from '../state/entra_directories.ts';
import type { User } from '../state/entra_users.ts';
import { policiesFor } from '../state/token_refusal_policy.ts';
import { checkUser } from './check_sign_in_allowed.ts';
import { missingConsents, needsAdministrator, recordConsent } from './check_user_consent.ts';
import { blockedPage, needsApprovalPage } from './html_pages.ts';
import { firstResource } from './parse_requested_scopes.ts';
import { acceptsPersonalAccounts, checkPersonalScopes, notForConsumers } from './personal_account_rules.ts';
import { type AuthorizeRequest, RedirectedError } from './read_authorize_request.ts';
import { authorizeError, redirectDeclined, redirectError, redirectToApp } from './redirect_to_app.ts';

/** Holds the last user who signed in with this browser, for `prompt=none`. */
export const SESSION_COOKIE = 'sandbox_session';

/** A user has chosen an account, and accepts or declines the permissions. */
export function signIn(
  { state, record }: EndpointCall,
  authorizeRequest: AuthorizeRequest,
  { user, accepts, isAutomatic }: { user: User; accepts: boolean; isAutomatic: boolean },
): HttpResponse {
  const { app, authority, returnAddress, scope, requested, prompt } = authorizeRequest;
  const { clientId } = app;
  record.userObjectId = user.objectId;
  record.username = user.username;
  if (authority.kind === 'common' && isPersonal(user.directoryId) && !acceptsPersonalAccounts(app))
    throw new RedirectedError(notForConsumers(), returnAddress);
  const directory = checkUser(state, user, app, authority);
  if (!accepts) {
    record.outcome = '65004';
    return redirectDeclined(returnAddress);
  }
  try {
    if (isPersonal(directory.id)) checkPersonalScopes(state, app, scope, requested.permissions);
  } catch (error) {
    throw error instanceof EntraError ? new RedirectedError(error, returnAddress) : error;
  }

  const missing = missingConsents(state, authorizeRequest, user, directory);
  if (prompt === 'none' && missing.length > 0) {
    const facts = { client: clientId, name: app.displayName };
    throw new RedirectedError(entraError(65001, facts, { error: 'interaction_required' }), returnAddress);
  }
  if (needsAdministrator(missing, app, directory)) {
    record.outcome = '90094';
    // The page has one link back, and the redirect does not give the reason.
    if (isAutomatic) return redirectDeclined(returnAddress);
    const back = redirectDeclined({ ...returnAddress, responseMode: 'query' });
    return html(200, needsApprovalPage(app, String(back.headers['location'])));
  }

  // Entra checks the policies of the first scope's resource, for which the code's token is issued.
  const target = { directory, user, resourceId: firstResource(state.resources, scope), clientId };
  const blocking = policiesFor(target).find(({ satisfiedBySignIn }) => !satisfiedBySignIn)?.error;
  if (blocking?.error === 'invalid_resource') throw new RedirectedError(blocking, returnAddress);
  if (blocking !== undefined) {
    record.outcome = String(blocking.code);
    // Entra shows its own page without a link back: seen for 50105 (https://github.com/nextauthjs/next-auth/issues/5455),
    // unsourced for 53003. With `prompt=none` it redirects to the app.
    if (prompt !== 'none') return html(200, blockedPage(blocking));
    const error = { ...authorizeError(blocking), error: 'interaction_required' };
    return redirectError(returnAddress, error, state.clock.now());
  }
  for (const { id } of [state.resources.graph, ...requested.permissions.map(({ resource }) => resource)])
    for (const policy of policiesFor({ ...target, resourceId: id }))
      if (policy.satisfiedBySignIn) policy.satisfiedBy.add(user.objectId);
  user.policies = user.policies.filter(({ satisfiedBy }) => !satisfiedBy.has(user.objectId));

  recordConsent(state, authorizeRequest, user, directory);
  const code = state.codes.issue({
    clientId,
    userObjectId: user.objectId,
    directoryId: directory.id,
    scope,
    redirectUri: returnAddress.redirectUri,
    nonce: authorizeRequest.nonce,
    codeChallenge: authorizeRequest.codeChallenge,
    codeChallengeMethod: authorizeRequest.codeChallengeMethod,
  });
  const session = { 'set-cookie': `${SESSION_COOKIE}=${user.objectId}; Path=/; HttpOnly; SameSite=Lax` };
  return redirectToApp(returnAddress, { code, session_state: user.objectId }, session);
}
