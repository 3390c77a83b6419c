import type { App } from '../model/app.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import type { Grant } from '../model/grant.ts';
import type { Tenant } from '../model/tenant.ts';
import { accountMismatch, checkDirectory, checkSameAccount, contradicts } from './account_check.ts';
import type { ConnectParts } from './connect_parts.ts';
import type { DoubtfulTokens } from './doubtful_tokens.ts';
import type { ImportRequest } from './imports.ts';
import { firstResource, learnFurther, redeemRefreshToken } from './redeem_code.ts';
import { isUnknownWord, mayPass, refreshTokenDoubtful, refreshTokenRefused } from './redeem_errors.ts';
import { catalogOf, type RequestedScopes } from './requested_scopes.ts';

/** Redeems the token for each resource that its scopes need, before anything is stored. */
export async function verifyImport(
  parts: ConnectParts,
  from: {
    readonly tenant: Tenant;
    readonly app: App;
    readonly existing: Connection | undefined;
    readonly wanted: RequestedScopes;
    readonly request: ImportRequest;
    readonly doubtfulTokens: DoubtfulTokens;
  },
): Promise<Grant> {
  const { tenant, app, existing, wanted, request, doubtfulTokens } = from;
  const name = connectionName(request);
  const permissions = wanted.needed;
  // An importer waits, but behind those who wait for a token (5-refresh, "Pacing").
  const priority = 'BACKGROUND';
  const outcome = await redeemRefreshToken(parts.authorizationServer, {
    app,
    directoryId: request.account?.directoryId,
    tenantUid: tenant.uid,
    priority,
    refreshToken: request.refreshToken,
    resource: firstResource(permissions),
    permissions,
  });
  const refused = (failure: Failure) => {
    const isDoubtful =
      isUnknownWord(failure) || (mayPass(failure) && !doubtfulTokens.isRefusedAgain(request.refreshToken));
    return isDoubtful ? refreshTokenDoubtful(failure, name) : refreshTokenRefused(failure, name);
  };
  if (outcome.kind !== 'granted') throw refused(outcome);
  const { account } = outcome;
  if (account === undefined) {
    throw new VaultError(
      'REFRESH_TOKEN_REJECTED',
      `Entra did not say whose account the refresh token for ${name} is; let the user sign in with StartAuthorization`,
      { metadata: { resource: name } },
    );
  }
  checkDirectory(tenant, account.directoryId);
  if (contradicts(request.account, account)) throw accountMismatch(name);
  if (request.allowAccountChange !== true) checkSameAccount(existing, account);

  const refreshToken = outcome.refreshToken ?? request.refreshToken;
  const learned = await learnFurther(parts.authorizationServer, {
    app,
    tenantUid: tenant.uid,
    priority,
    permissions,
    first: { outcome, refreshToken, account },
    refused(failure) {
      throw refused(failure);
    },
  });
  checkCovered(parts, from, learned.granted);
  const email = account.email ?? request.account?.email;
  return { ...learned, account: { ...account, email }, productScopes: wanted.productScopes };
}

/** SCOPE_NOT_GRANTED: Entra gave a token, but with less than the product scopes need. */
function checkCovered(
  { scopes }: ConnectParts,
  { tenant, app, wanted, request }: Parameters<typeof verifyImport>[1],
  granted: Grant['granted'],
): void {
  const catalog = catalogOf(tenant, app);
  const missing = Object.entries(wanted.needed).flatMap(([resource, needed]) =>
    scopes.missing(catalog, granted[resource] ?? [], needed).map((permission) => `${resource}/${permission}`),
  );
  if (missing.length === 0) return;
  throw new VaultError(
    'SCOPE_NOT_GRANTED',
    `the refresh token for ${connectionName(request)} was not granted all that its scopes need; let the user sign in with StartAuthorization`,
    { metadata: { resource: connectionName(request), missing: missing.join(' ') } },
  );
}
