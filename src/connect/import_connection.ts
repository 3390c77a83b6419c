import type { App } from '../model/app.ts';
import { type Account, type Connection, canonicalAccount, connectionName } from '../model/connection.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import { isExternalIdTaken } from '../model/external_id.ts';
import { afterGrant, type Grant } from '../model/grant.ts';
import type { Tenant } from '../model/tenant.ts';
import { accountMismatch, checkDirectory, checkSaidAccount, checkSameAccount, contradicts } from './account_check.ts';
import { checkNotSuspended, findApp, findTenant } from './active_lookup.ts';
import type { ConnectParts } from './connect_parts.ts';
import { counted } from './counted.ts';
import { createDoubtfulTokens, type DoubtfulTokens } from './doubtful_tokens.ts';
import { checkExternalIdFree } from './external_id_free.ts';
import type { ImportRequest, Imports } from './imports.ts';
import { checkWish, newConnection } from './new_connection.ts';
import { type RequestedScopes, requestedScopes } from './requested_scopes.ts';
import { usualApp } from './start_authorization.ts';
import { verifyImport } from './verify_import.ts';

export function createImports(parts: ConnectParts): Imports {
  const doubtfulTokens = createDoubtfulTokens(parts.clock);
  return {
    import(request) {
      const work = () => importConnection(parts, doubtfulTokens, request);
      return request.validateOnly === true ? work() : counted((outcome) => parts.metrics?.imported(outcome), work);
    },
  };
}

async function importConnection(
  parts: ConnectParts,
  doubtfulTokens: DoubtfulTokens,
  request: ImportRequest,
): Promise<Connection> {
  const { stores } = parts;
  const tenant = await findTenant(stores, request.tenantId);
  checkWish(request);
  if (request.account !== undefined) checkSaidAccount(request.account);
  const existing = await stores.connections.find(tenant.uid, request.connectionId);
  checkReplaceable(existing, request);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, existing));
  const wanted = requestedScopes(parts.scopes, tenant, app, request.scopes);
  if (request.account?.directoryId !== undefined) checkDirectory(tenant, request.account.directoryId);

  const seen = request.verify === 'NOW' && request.validateOnly !== true;
  // The commit of an import that nobody verifies finds a taken external id by itself.
  if (seen || request.validateOnly === true) await checkExternalIdFree(parts, tenant, request);
  const from = { tenant, app, existing, wanted, request, doubtfulTokens };
  const verified = seen ? await verifyImport(parts, from) : undefined;
  const take = { tenant, app, wanted, verified, request };
  return request.validateOnly === true ? afterImport(parts, take, existing) : store(parts, take, existing);
}

interface Take {
  readonly tenant: Tenant;
  readonly app: App;
  readonly wanted: RequestedScopes;
  /** Undefined: nobody has asked Entra. */
  readonly verified: Grant | undefined;
  readonly request: ImportRequest;
}

async function store(parts: ConnectParts, take: Take, existing: Connection | undefined): Promise<Connection> {
  const { stores, changes } = parts;
  const { tenant, request, verified } = take;
  const { refreshToken } = verified ?? request;
  let before = existing;
  for (let tries = 1; ; tries += 1) {
    const after = afterImport(parts, take, before);
    try {
      const stored = await stores.connections.replaceGrant(before, after, refreshToken);
      changes.announce({ kind: 'connection', uid: stored.uid });
      return stored;
    } catch (error) {
      // Somebody created or changed the connection meanwhile: judge it anew, but do not redeem again.
      const mayHelp = isVaultError(error, 'ETAG_MISMATCH', 'CONNECTION_EXISTS') && !isExternalIdTaken(error);
      if (tries === 5 || !mayHelp) throw error;
      before = await stores.connections.find(tenant.uid, request.connectionId);
    }
  }
}

/** CONNECTION_EXISTS, CONNECTION_SUSPENDED, ACCOUNT_MISMATCH. */
function afterImport(
  { clock }: ConnectParts,
  { tenant, app, wanted, verified, request }: Take,
  before: Connection | undefined,
): Connection {
  const now = clock.now();
  checkReplaceable(before, request);
  const grant = verified ?? unseen(before, wanted, request);
  if (grant.account !== undefined && request.allowAccountChange !== true) checkSameAccount(before, grant.account);
  const base = before ?? newConnection({ tenant, app, request, now });
  const labelled = {
    ...base,
    externalId: request.externalId ?? base.externalId,
    labels: request.labels ?? base.labels,
  };
  return afterGrant(labelled, { grant, app, verified: verified !== undefined }, now);
}

/** CONNECTION_EXISTS, CONNECTION_SUSPENDED. A PENDING one has nothing to lose. */
function checkReplaceable(existing: Connection | undefined, request: ImportRequest): void {
  if (existing === undefined) return;
  checkNotSuspended(existing);
  if (existing.grantState === 'PENDING' || request.allowReplace === true) return;
  throw new VaultError(
    'CONNECTION_EXISTS',
    `${connectionName(existing)} already has a grant. Set allow_replace to replace it, or choose another id.`,
    { metadata: { resource: connectionName(existing) } },
  );
}

/** Taken at the importer's word until the first redemption checks it. */
function unseen(existing: Connection | undefined, wanted: RequestedScopes, request: ImportRequest): Grant {
  const said = saidAccount(request.account);
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
  return canonicalAccount({ directoryId, objectId, username, displayName, email });
}
