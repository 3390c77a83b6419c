import type { Authorization } from '../model/authorization.ts';
import type { Connection } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import { afterGrant, type Grant } from '../model/grant.ts';
import { checkDirectory, checkSameAccount } from './account_check.ts';
import { checkNotSuspended, findAppByUid, findTenant } from './active_lookup.ts';
import type { ConnectParts } from './connect_parts.ts';
import { stateInvalid } from './state_invalid.ts';

/** The connection begins to live on the grant that waited. Everything is checked once more: minutes may lie between consent and confirmation. */
export async function activateGrant(
  parts: ConnectParts,
  { authorization, grant }: { authorization: Authorization; grant: Grant },
): Promise<Connection> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await swapOnce(parts, authorization, grant);
    } catch (error) {
      // A refresh of the old grant was recorded between our reading and our writing.
      if (tries === 5 || !isVaultError(error, 'ETAG_MISMATCH')) throw error;
    }
  }
}

async function swapOnce(parts: ConnectParts, authorization: Authorization, grant: Grant): Promise<Connection> {
  const { stores, clock, changes } = parts;
  const before = await stores.connections.findByUid(authorization.connectionUid);
  if (before === undefined) throw stateInvalid('state');
  const tenant = await findTenant(stores, before.tenantId);
  const app = await findAppByUid(stores, tenant, authorization.appUid);
  checkNotSuspended(before);
  if (grant.account !== undefined) {
    checkDirectory(tenant, grant.account.directoryId);
    if (!authorization.allowAccountChange) checkSameAccount(before, grant.account);
  }
  const after = afterGrant(before, { grant, app, verified: true }, clock.now());
  const swapped = await stores.authorizations.confirm(authorization, before, after, grant);
  changes.announce({ kind: 'connection', uid: swapped.uid });
  return swapped;
}
