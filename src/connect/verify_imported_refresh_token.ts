import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, MINUTE, type Timestamp } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import type { Grant } from '../model/connection_grant.ts';
import type { App } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import { accountMismatch, checkSameAccount, contradicts } from './check_connection_account.ts';
import { checkDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import type { ImportRequest } from './connection_import_request.ts';
import { firstResource, redeemFurtherResources, redeemRefreshToken } from './redeem_refresh_token_per_resource.ts';
import { isUnknownError, mayPass, refreshTokenDoubtful, refreshTokenRefused } from './sign_in_and_import_errors.ts';
import { catalogOf, type RequestedScopes } from './translate_requested_scopes.ts';

export interface ImportTarget {
  readonly tenant: Tenant;
  readonly app: App;
  readonly existing: Connection | undefined;
  readonly scopes: RequestedScopes;
  readonly request: ImportRequest;
}

/** Redeems the token for each resource that its scopes need, before anything is stored. */
export function createImportVerification(parts: ConnectParts): (target: ImportTarget) => Promise<Grant> {
  const { authorizationServer, clock } = parts;
  const isRefusedAgain = createDoubtfulTokens(clock);
  return async (target) => {
    const { tenant, app, existing, scopes, request } = target;
    const name = connectionName(request);
    const permissions = scopes.needed;
    // An importer waits, but token requests go first (5-refresh, "Pacing").
    const grant = { app, tenantUid: tenant.uid, priority: 'BACKGROUND', permissions } as const;
    const { refreshToken: imported, account: claimed } = request;
    const refused = (failure: Failure): never => {
      const isDoubtful = isUnknownError(failure) || (mayPass(failure) && !isRefusedAgain(imported));
      throw isDoubtful ? refreshTokenDoubtful(failure, name) : refreshTokenRefused(failure, name);
    };
    const outcome = await redeemRefreshToken(authorizationServer, {
      ...grant,
      directoryId: claimed?.directoryId,
      refreshToken: imported,
      resource: firstResource(permissions),
    });
    if (outcome.kind !== 'granted') return refused(outcome);
    const { account, refreshToken = imported } = outcome;
    if (account === undefined) {
      throw new VaultError(
        'REFRESH_TOKEN_REJECTED',
        `Entra did not return the account of the refresh token for ${name}. Let the user sign in with StartAuthorization.`,
        { metadata: { resource: name } },
      );
    }
    checkDirectory(tenant, account.directoryId);
    checkNotContained(parts, { tenant, app, directoryId: account.directoryId });
    if (contradicts(claimed, account)) throw accountMismatch(name);
    if (request.allowAccountChange !== true) checkSameAccount(existing, account);

    const first = { outcome, refreshToken, account };
    const redeemed = await redeemFurtherResources(authorizationServer, { ...grant, first, refused });
    checkCovered(parts, target, redeemed.granted);
    const email = account.email ?? claimed?.email;
    return { ...redeemed, account: { ...account, email }, productScopes: scopes.productScopes };
  };
}

/** SCOPE_NOT_GRANTED: Entra issued a token, but with less than the product scopes need. */
function checkCovered(
  { scopes: catalogs }: ConnectParts,
  { tenant, app, scopes, request }: ImportTarget,
  granted: Grant['granted'],
): void {
  const catalog = catalogOf(tenant, app);
  const missing = Object.entries(scopes.needed).flatMap(([resource, needed]) =>
    catalogs.missing(catalog, granted[resource] ?? [], needed).map((permission) => `${resource}/${permission}`),
  );
  if (missing.length === 0) return;
  const connection = connectionName(request);
  throw new VaultError(
    'SCOPE_NOT_GRANTED',
    `The refresh token for ${connection} does not cover its scopes. Let the user sign in with StartAuthorization.`,
    { metadata: { resource: connection, missing: missing.join(' ') } },
  );
}

const REPEAT_INTERVAL = MINUTE;
/** A first doubtful refusal is forgotten after this time. */
const REPEAT_MEMORY = 60 * MINUTE;
const MOST_TOKENS = 10_000;

/**
 * Whether Entra refused a refresh token before, in a way that may pass, at least a minute ago. Like a stored grant, a token to be imported is
 * rejected by two refusals a minute apart, never by one.
 */
function createDoubtfulTokens(clock: Clock): (refreshToken: Secret) => boolean {
  const firstTimes = createBoundedCache<string, Timestamp>(MOST_TOKENS);
  return (refreshToken) => {
    const key = refreshToken.sha256();
    const now = clock.now();
    const age = now - (firstTimes.get(key) ?? Number.NEGATIVE_INFINITY);
    if (age >= 0 && age < REPEAT_MEMORY) return age >= REPEAT_INTERVAL;
    firstTimes.set(key, now);
    return false;
  };
}
