import type { Connection } from '../model/connection.ts';
import { afterGrant, type Grant } from '../model/connection_grant.ts';
import { retryOnConflict } from '../model/retry_on_conflict.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { checkSameAccount } from './check_connection_account.ts';
import { checkDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { activeParties, checkNotSuspended, findParties } from './find_tenant_app_and_connection.ts';
import { stateInvalid } from './state_invalid.ts';

/**
 * Replaces the connection's grant with the new one. All checks are repeated: minutes may pass between consent and confirmation. A conflict
 * is retried: a refresh of the old grant may be recorded between read and write.
 */
export function activateGrant(
  parts: ConnectParts,
  { authorization, grant }: { authorization: Authorization; grant: Grant },
): Promise<Connection> {
  const { stores, clock, changes } = parts;
  return retryOnConflict(5, async () => {
    const before = await stores.connections.findByUid(authorization.connectionUid);
    if (before === undefined) throw stateInvalid('state');
    const { appUid } = authorization;
    const { tenant, app } = activeParties(await findParties(stores, { tenantId: before.tenantId, appUid }));
    checkNotSuspended(before);
    checkNotContained(parts, { tenant, app, directoryId: grant.account?.directoryId });
    if (grant.account !== undefined) {
      checkDirectory(tenant, grant.account.directoryId);
      if (!authorization.allowAccountChange) checkSameAccount(before, grant.account);
    }
    const after = afterGrant(before, { grant, app, verified: true }, clock.now());
    const activated = await stores.authorizations.confirm(authorization, before, after, grant);
    changes.announce({ kind: 'connection', uid: activated.uid });
    return activated;
  });
}
