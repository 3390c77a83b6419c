import { type Connection, canonicalAccount, connectionName } from '../model/connection.ts';
import { afterGrant, type Grant } from '../model/connection_grant.ts';
import { VaultError } from '../model/errors.ts';
import { externalIdTaken } from '../model/external_id_taken_error.ts';
import { retryOnConflict } from '../model/retry_on_conflict.ts';
import { counted } from './audit_browser_callback.ts';
import { accountMismatch, checkClaimedAccount, checkSameAccount, contradicts } from './check_connection_account.ts';
import { checkDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import type { ImportRequest } from './connection_import_request.ts';
import { checkConnectionFields, newConnection } from './create_or_relabel_connection.ts';
import { checkNotSuspended, findApp, findTenant, usualApp } from './find_tenant_app_and_connection.ts';
import { requestedScopes } from './translate_requested_scopes.ts';
import { createImportVerification, type ImportTarget } from './verify_imported_refresh_token.ts';

export type Imports = ReturnType<typeof createImports>;

export function createImports(parts: ConnectParts) {
  const verify = createImportVerification(parts);
  return {
    /**
     * CONNECTION_EXISTS unless the connection is new, PENDING, or may be replaced. Nothing is stored when it throws. With verify NOW:
     * REFRESH_TOKEN_REJECTED, CONSENT_REQUIRED, ADMIN_CONSENT_REQUIRED, BLOCKED_BY_POLICY, ACCOUNT_DISABLED, ACCOUNT_MISMATCH,
     * DIRECTORY_NOT_ALLOWED, SCOPE_NOT_GRANTED, and faults of the app or Entra (ENTRA_UNAVAILABLE, APP_CREDENTIAL_REJECTED, …).
     */
    async import(request: ImportRequest): Promise<Connection> {
      if (request.validateOnly === true) {
        const target = await checkImport(parts, request);
        await checkExternalIdFree(parts, target);
        return afterImport(parts, target, undefined, target.existing);
      }
      const count = (outcome: string) => parts.metrics?.imported(outcome);
      return counted(count, async () => {
        const target = await checkImport(parts, request);
        if (request.verify === 'ON_FIRST_USE') return store(parts, target, undefined);
        await checkExternalIdFree(parts, target);
        return store(parts, target, await verify(target));
      });
    },
  };
}

/** All that can be checked without Entra. */
async function checkImport(parts: ConnectParts, request: ImportRequest): Promise<ImportTarget> {
  const { stores } = parts;
  const tenant = await findTenant(stores, request.tenantId);
  checkConnectionFields(request);
  if (request.account !== undefined) checkClaimedAccount(request.account);
  const existing = await stores.connections.find(tenant.uid, request.connectionId);
  checkReplaceable(existing, request);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, existing));
  const { account } = (request.allowAccountChange === true ? undefined : existing) ?? {};
  checkNotContained(parts, { tenant, app, directoryId: request.account?.directoryId ?? account?.directoryId });
  const scopes = requestedScopes(parts.scopes, tenant, app, request.scopes);
  if (request.account?.directoryId !== undefined) checkDirectory(tenant, request.account.directoryId);
  return { tenant, app, existing, scopes, request };
}

/** CONNECTION_EXISTS, before a request to Entra. The commit finds an external id that is taken later. */
async function checkExternalIdFree({ stores }: ConnectParts, { tenant, request }: ImportTarget): Promise<void> {
  const { connectionId, externalId } = request;
  if (externalId === undefined) return;
  const holder = await stores.connections.findByExternalId(tenant.uid, externalId);
  if (holder !== undefined && holder.connectionId !== connectionId) throw externalIdTaken(holder);
}

/** A conflict repeats the checks against the changed connection, but never the redemption. */
function store(parts: ConnectParts, target: ImportTarget, verified: Grant | undefined): Promise<Connection> {
  const { stores, changes } = parts;
  const { tenant, request, existing } = target;
  return retryOnConflict(5, async (attempt) => {
    const before = attempt === 1 ? existing : await stores.connections.find(tenant.uid, request.connectionId);
    const after = afterImport(parts, target, verified, before);
    const { refreshToken } = verified ?? request;
    const stored = await stores.connections.replaceGrant(before, after, refreshToken);
    changes.announce({ kind: 'connection', uid: stored.uid });
    return stored;
  });
}

/** `verified`: the grant as Entra confirmed it; undefined: not verified yet. CONNECTION_EXISTS, CONNECTION_SUSPENDED, ACCOUNT_MISMATCH. */
function afterImport(
  { clock }: ConnectParts,
  target: ImportTarget,
  verified: Grant | undefined,
  before: Connection | undefined,
): Connection {
  const now = clock.now();
  const { tenant, app, request } = target;
  checkReplaceable(before, request);
  const grant = verified ?? unverifiedGrant(before, target);
  if (grant.account !== undefined && request.allowAccountChange !== true) checkSameAccount(before, grant.account);
  const base = before ?? newConnection(tenant, app, request, now);
  const { externalId = base.externalId, labels = base.labels } = request;
  return afterGrant({ ...base, externalId, labels }, { grant, app, verified: verified !== undefined }, now);
}

/** CONNECTION_EXISTS, CONNECTION_SUSPENDED. A PENDING connection has no grant to lose. */
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

/** Claimed by the importer; the first redemption checks it. */
function unverifiedGrant(existing: Connection | undefined, { scopes, request }: ImportTarget): Grant {
  const { refreshToken, account: claimed, allowAccountChange } = request;
  const { productScopes, needed } = scopes;
  if (claimed?.directoryId !== undefined && claimed.objectId !== undefined) {
    const { directoryId, objectId, username, displayName, email } = claimed;
    const account = canonicalAccount({ directoryId, objectId, username, displayName, email });
    return { refreshToken, account, productScopes, granted: needed };
  }
  // The earlier account is kept, so that the first redemption is compared with it.
  const account = allowAccountChange === true ? undefined : existing?.account;
  if (existing !== undefined && account !== undefined && contradicts(claimed, account)) {
    throw accountMismatch(connectionName(existing));
  }
  return { refreshToken, account, productScopes, granted: needed };
}
