import { randomUUID } from 'node:crypto';
import { entraError } from '../errors/entra_error.ts';
import { HOUR } from '../movable_clock.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { isPersonal } from '../state/entra_directories.ts';
import type { User } from '../state/entra_users.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { expireTimeOf, openRefreshToken, type RefreshGrant, SPA_LIFETIME } from '../state/sealed_refresh_token.ts';
import { checkUser } from './check_sign_in_allowed.ts';
import { issueUserTokens, required, type TokenRequest, unknownGrant } from './issue_user_tokens.ts';
import { parsePermission } from './parse_requested_scopes.ts';
import { acceptsPersonalAccounts, checkGrantAuthority, personalGrantExpired } from './personal_account_rules.ts';

/** Issues a new refresh token each time; the old one stays valid, as at Entra. */
export async function redeemRefreshToken(state: SandboxState, request: TokenRequest): Promise<Record<string, unknown>> {
  const { app, authority, form } = request;
  const grant = openRefreshToken(required(form, 'refresh_token'));
  if (grant === undefined) throw unknownGrant(authority);
  const loopKey = `${grant.id} ${authority.segment} ${form.get('scope') ?? ''}`;
  if (state.settings.loopGuard && state.loopGuard.isLooping(loopKey)) throw entraError(50196);
  checkGrantAuthority(authority, grant.directoryId);
  if (isPersonal(grant.directoryId) && !acceptsPersonalAccounts(app)) throw entraError(70002);
  const user = checkGrant(state, app, grant);
  const directory = checkUser(state, user, app, authority);
  const { instanceId, clock } = state;
  return issueUserTokens(state, request, { user, directory, grantedScope: grant.scopes.join(' ') }, () => ({
    ...grant,
    ...{ id: randomUUID(), issuedTime: clock.now(), generation: user.generation, instanceId },
  }));
}

function checkGrant(state: SandboxState, app: AppRegistration, grant: RefreshGrant): User {
  if (grant.clientId !== app.clientId) throw entraError(70000);
  const user = state.users.find(grant.userObjectId);
  if (user === undefined) throw entraError(50034, { user: grant.userObjectId, directory: grant.directoryId });
  restoreConsents(state, grant, user);
  const now = state.clock.now();
  const issued = new Date(grant.issuedTime).toISOString();
  const isRevoked = grant.generation < user.generation;
  const isExpired = expireTimeOf(grant) <= now;
  if (isPersonal(grant.directoryId) && (isRevoked || isExpired || user.disabled || user.deleted))
    throw personalGrantExpired();
  if (isRevoked) throw entraError(50173, { issued, revoked: new Date(user.revokedTime).toISOString() });
  if (!isExpired) return user;
  if (grant.fixedEndTime !== undefined) throw entraError(700084, { issued, lifetime: `${SPA_LIFETIME / HOUR}:00:00` });
  throw entraError(700082, { issued, inactive: `${Math.floor((now - grant.issuedTime) / (24 * HOUR))}.00:00:00` });
}

/** Consents are lost at a restart, but vaults keep their refresh tokens: the first one of an earlier process restores them. */
function restoreConsents(state: SandboxState, grant: RefreshGrant, user: User): void {
  const pair = `${user.objectId} ${grant.clientId}`;
  if (grant.instanceId === state.instanceId || state.restoredConsents.has(pair)) return;
  state.restoredConsents.add(pair);
  for (const scope of grant.scopes) {
    const { resource, name } = parsePermission(state.resources, scope);
    state.consents.grant(user.objectId, grant.clientId, resource.id, [name]);
  }
}
