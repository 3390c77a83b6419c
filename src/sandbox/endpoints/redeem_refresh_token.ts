import { randomUUID } from 'node:crypto';
import { HOUR } from '../clock.ts';
import { entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { isPersonal } from '../state/personal_account.ts';
import { endOf, openRefreshToken, type RefreshGrant, SPA_LIFETIME } from '../state/refresh_token.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';
import { checkUser } from './eligibility.ts';
import { checkGrantAuthority, personalGrantExpired, takesPersonalAccounts } from './personal_account.ts';
import { parsePermission } from './requested_scopes.ts';
import { damagedGrant, grantResource, required, type TokenRequest } from './token_request.ts';
import { userTokenResponse } from './token_response.ts';

/** A new refresh token each time; the old one stays good, as Entra leaves it. */
export async function redeemRefreshToken(world: SandboxState, request: TokenRequest): Promise<Record<string, unknown>> {
  const { app, authority, form, record } = request;
  const grant = openRefreshToken(required(form, 'refresh_token'));
  if (grant === undefined) throw damagedGrant(authority);
  const scope = form.get('scope') ?? undefined;
  if (world.settings.loopGuard && world.loopGuard.isLooping(`${grant.id} ${authority.segment} ${scope ?? ''}`))
    throw entraError(50196);
  checkGrantAuthority(authority, grant.directoryId);
  if (isPersonal(grant.directoryId) && !takesPersonalAccounts(app)) throw entraError(70002);
  const user = checkGrant(world, app, grant);
  const directory = checkUser(world, user, app, authority);

  const { resource, permissions, asked } = grantResource(world, {
    app,
    user,
    directory,
    scope,
    grantedScope: grant.scopes.join(' '),
    record,
  });
  const refreshGrant = renewed(world, grant, user);
  record.issuedRefreshTokenId = refreshGrant.id;
  return userTokenResponse(world, {
    app,
    user,
    directory,
    resource,
    permissions,
    asked,
    nonce: undefined,
    refreshGrant,
    claims: form.get('claims') ?? undefined,
    wantsClientInfo: form.get('client_info') === '1',
  });
}

function checkGrant(world: SandboxState, app: AppRegistration, grant: RefreshGrant): User {
  if (grant.clientId !== app.clientId) throw entraError(70000);
  const user = world.users.find(grant.userObjectId);
  if (user === undefined) throw entraError(50034, { user: grant.userObjectId, directory: grant.directoryId });
  adoptConsents(world, grant, user);
  const now = world.clock.now();
  const issued = new Date(grant.issuedTime).toISOString();
  const isOver = grant.generation < user.generation || endOf(grant) <= now || user.disabled || user.deleted;
  if (isPersonal(grant.directoryId) && isOver) throw personalGrantExpired();
  if (grant.generation < user.generation)
    throw entraError(50173, { issued, revoked: new Date(user.revokedTime).toISOString() });
  if (endOf(grant) > now) return user;
  if (grant.fixedEndTime !== undefined) throw entraError(700084, { issued, lifetime: `${SPA_LIFETIME / HOUR}:00:00` });
  throw entraError(700082, { issued, inactive: `${Math.floor((now - grant.issuedTime) / (24 * HOUR))}.00:00:00` });
}

function renewed(world: SandboxState, grant: RefreshGrant, user: User): RefreshGrant {
  return {
    ...grant,
    id: randomUUID(),
    issuedTime: world.clock.now(),
    generation: user.generation,
    instanceId: world.instanceId,
  };
}

/** Consents live in memory, but a vault keeps its refresh tokens over a restart of the sandbox: the first of them brings its consents back. */
function adoptConsents(world: SandboxState, grant: RefreshGrant, user: User): void {
  const pair = `${user.objectId} ${grant.clientId}`;
  if (grant.instanceId === world.instanceId || world.adopted.has(pair)) return;
  world.adopted.add(pair);
  for (const scope of grant.scopes) {
    const { resource, name } = parsePermission(world.resources, scope);
    world.consents.grant(user.objectId, grant.clientId, resource.id, [name]);
  }
}
