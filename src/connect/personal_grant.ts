import { type App, isOpenToPersonalAccounts, PERSONAL_DIRECTORY } from '../model/app.ts';
import type { Connection } from '../model/connection.ts';
import type { Failure } from '../model/exchange.ts';
import { isPersonal } from '../model/personal_account.ts';
import type { Secret } from '../model/secret.ts';
import type { ConnectParts } from './connect_parts.ts';
import { type FirstGranted, firstResource, type GrantRequest, redeemRefreshToken } from './redeem_code.ts';

/** Where the user of a personal account signs in again; undefined: the address of the app. */
export function directoryToReturnTo(app: App, { account }: Connection): string | undefined {
  return isPersonal(account) && isOpenToPersonalAccounts(app) ? PERSONAL_DIRECTORY : undefined;
}

/** Kinds that say that Entra does not accept the refresh token at all. */
const STILLBORN: ReadonlySet<Failure['kind']> = new Set(['reauthorize', 'suspect']);

/**
 * The refresh token of a personal account is issued at one address of Entra and redeemed at another. So it is redeemed once while the
 * user is there to sign in again: https://github.com/Softeria/ms-365-mcp-server/issues/522. Any other failure proves nothing.
 */
export async function provePersonalGrant(
  server: ConnectParts['authorizationServer'],
  request: GrantRequest,
  first: FirstGranted,
): Promise<{ readonly refreshToken: Secret } | { readonly stillborn: Failure }> {
  const { refreshToken, account } = first;
  if (!isPersonal(account)) return { refreshToken };
  const outcome = await redeemRefreshToken(server, {
    ...request,
    directoryId: account.directoryId,
    refreshToken,
    resource: firstResource(request.permissions),
  });
  if (outcome.kind === 'granted') return { refreshToken: outcome.refreshToken ?? refreshToken };
  return outcome.subject === 'connection' && STILLBORN.has(outcome.kind) ? { stillborn: outcome } : { refreshToken };
}
