import type { App } from '../model/app.ts';
import { type Account, type Connection, connectionName } from '../model/connection.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import { afterGrant, type Grant } from '../model/grant.ts';
import type { Tenant } from '../model/tenant.ts';
import { accountMismatch, checkDirectory, checkSaidAccount, checkSameAccount, contradicts } from './account_check.ts';
import { type Asked, asked } from './asked.ts';
import type { ConnectParts } from './connect_parts.ts';
import { counted } from './counted.ts';
import type { ImportRequest, Imports } from './imports.ts';
import { checkWish, newConnection } from './new_connection.ts';
import { checkNotSuspended, findApp, findTenant } from './standing.ts';
import { usualApp } from './start.ts';
import { verifyImport } from './verify_import.ts';

export function createImports(parts: ConnectParts): Imports {
  return {
    import: (request) =>
      counted(
        (outcome) => parts.metrics?.imported(outcome),
        () => importConnection(parts, request),
      ),
  };
}

async function importConnection(parts: ConnectParts, request: ImportRequest): Promise<Connection> {
  const { stores } = parts;
  const tenant = await findTenant(stores, request.tenantId);
  checkWish(request);
  if (request.account !== undefined) checkSaidAccount(request.account);
  const existing = await stores.connections.find(tenant.uid, request.connectionId);
  checkReplaceable(existing, request);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, existing));
  const wanted = asked(parts.scopes, tenant, app, request.scopes);
  if (request.account?.directoryId !== undefined) checkDirectory(tenant, request.account.directoryId);

  const grant =
    request.verify === 'NOW'
      ? await verifyImport(parts, { tenant, app, existing, wanted, request })
      : unseen(existing, wanted, request);
  for (let tries = 1; ; tries += 1) {
    try {
      return await store(parts, { tenant, app, grant, request });
    } catch (error) {
      // Somebody created or changed the connection meanwhile: judge it anew, but do not redeem again.
      if (tries === 5 || !isVaultError(error, 'ETAG_MISMATCH', 'CONNECTION_EXISTS')) throw error;
    }
  }
}

async function store(
  { stores, clock, changes }: ConnectParts,
  { tenant, app, grant, request }: { tenant: Tenant; app: App; grant: Grant; request: ImportRequest },
): Promise<Connection> {
  const now = clock.now();
  const before = await stores.connections.find(tenant.uid, request.connectionId);
  checkReplaceable(before, request);
  if (grant.account !== undefined && request.allowAccountChange !== true) checkSameAccount(before, grant.account);
  const base = before ?? newConnection({ tenant, app, request, now });
  const labelled = {
    ...base,
    externalId: request.externalId ?? base.externalId,
    labels: request.labels ?? base.labels,
  };
  const after = afterGrant(labelled, { grant, app, verified: request.verify === 'NOW' }, now);
  const stored = await stores.connections.replaceGrant(before, after, grant.refreshToken);
  changes.announce({ kind: 'connection', uid: stored.uid });
  return stored;
}

/** CONNECTION_EXISTS, CONNECTION_SUSPENDED. A PENDING one has nothing to lose. */
function checkReplaceable(existing: Connection | undefined, request: ImportRequest): void {
  if (existing === undefined) return;
  checkNotSuspended(existing);
  if (existing.grantState === 'PENDING' || request.allowReplace === true) return;
  throw new VaultError(
    'CONNECTION_EXISTS',
    `${connectionName(existing)} has a grant already; set allow_replace to replace it, or choose another id`,
  );
}

/** Taken at the importer's word until the first redemption checks it. */
function unseen(existing: Connection | undefined, wanted: Asked, request: ImportRequest): Grant {
  const said = saidAccount(request.account);
  if (said !== undefined && request.allowAccountChange !== true) checkSameAccount(existing, said);
  // The earlier account stays on the row, so that the first redemption is held against it.
  const account = said ?? (request.allowAccountChange === true ? undefined : existing?.account);
  if (existing?.account !== undefined && account === existing.account && contradicts(request.account, account)) {
    throw accountMismatch(connectionName(existing));
  }
  return { refreshToken: request.refreshToken, account, productScopes: wanted.productScopes, granted: wanted.needed };
}

function saidAccount(account: Partial<Account> | undefined): Account | undefined {
  if (account?.directoryId === undefined || account.objectId === undefined) return undefined;
  const { directoryId, objectId, username, displayName, email } = account;
  return { directoryId, objectId, username, displayName, email };
}
