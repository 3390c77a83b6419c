import type { Timestamp } from '../model/clock.ts';
import { type Connection, changeOf, connectionName, nextUpdateTime } from '../model/connection.ts';
import { fieldInvalid, isVaultError, VaultError } from '../model/errors.ts';
import { checkEtag } from '../model/etag.ts';
import { checkExternalId, checkLabels } from '../model/labels.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { ConnectionFilter } from '../store/stores.ts';
import { createLookup } from './lookup.ts';
import type { RegistryParts } from './registry_parts.ts';
import { masked } from './update_mask.ts';

/** Connections as operators and products see them; consent is `connect/`'s, redeeming `tokens/`'s. */
export interface Connections {
  /** TENANT_NOT_FOUND, CONNECTION_NOT_FOUND. */
  get(connection: ConnectionId): Promise<Connection>;
  /** In the order of (tenant id, connection id). */
  list(request: ListConnections): Promise<Page<Connection>>;
  /** CONNECTION_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH, CONNECTION_EXISTS (another one of the tenant has the external id). */
  update(request: UpdateConnection): Promise<Connection>;
  suspend(request: ConnectionWithEtag): Promise<Connection>;
  resume(request: ConnectionWithEtag): Promise<Connection>;
  delete(request: ConnectionWithEtag & { readonly allowMissing: boolean }): Promise<void>;
}

export interface ConnectionId {
  readonly tenantId: string;
  readonly connectionId: string;
}

export interface ConnectionWithEtag extends ConnectionId {
  readonly etag: string;
}

export interface ListConnections {
  /** Undefined: `tenants/-`. */
  readonly tenantId: string | undefined;
  /** Whom the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
  readonly state: ConnectionFilter['state'];
  readonly externalId: string;
  /** In any case of letters. Indexed under each tenant's own key, so that one tenant is found fastest. */
  readonly username: string;
  /** `key=value`. */
  readonly label: string;
  /** Of the account, in lower case; undefined: any. */
  readonly objectId: string | undefined;
  readonly directoryId: string | undefined;
  readonly page: PageRequest;
}

export interface UpdateConnection extends ConnectionWithEtag {
  readonly fields: { readonly externalId: string; readonly labels: Readonly<Record<string, string>> };
  /** Paths as on the wire (`external_id`); undefined: the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}

const PATHS = { external_id: 'externalId', labels: 'labels' } as const;
const IMMUTABLE = ['name', 'uid', 'app', 'account', 'scopes', 'grants', 'state', 'create_time', 'update_time', 'etag'];

export function createConnections({
  stores,
  changes,
  clock,
}: Pick<RegistryParts, 'stores' | 'changes' | 'clock'>): Connections {
  const lookup = createLookup(stores);

  async function read({ tenantId, connectionId, etag }: ConnectionWithEtag): Promise<Connection> {
    const connection = await lookup.connection(tenantId, connectionId);
    checkEtag(changeOf(connection), etag, connectionName(connection));
    return connection;
  }

  function changed(connection: Connection): Connection {
    changes.announce({ kind: 'connection', uid: connection.uid });
    return connection;
  }

  return {
    get: ({ tenantId, connectionId }) => lookup.connection(tenantId, connectionId),

    async list({ tenantId, tenantIds, state, externalId, username, label, objectId, directoryId, page }) {
      if (tenantId !== undefined) await lookup.tenant(tenantId);
      return stores.connections.list(page, {
        tenantIds: tenantId === undefined ? tenantIds : [tenantId],
        state,
        externalId: externalId || undefined,
        username: username || undefined,
        label: label === '' ? undefined : labelFilter(label),
        objectId,
        directoryId,
      });
    },

    async update(request) {
      for (let tries = 1; ; tries += 1) {
        const before = await read(request);
        try {
          return changed(await stores.connections.update(before, updatedConnection(before, request, clock.now())));
        } catch (error) {
          // A refresh was recorded between our reading and our writing: is it still what the caller read?
          if (tries === 5 || !isVaultError(error, 'ETAG_MISMATCH')) throw error;
        }
      }
    },

    async suspend(request) {
      const connection = await read(request);
      if (connection.suspendTime !== undefined) return connection;
      return changed(
        await stores.connections.setSuspended(connection, clock.now(), nextUpdateTime(connection, clock.now())),
      );
    },

    async resume(request) {
      const connection = await read(request);
      if (connection.suspendTime === undefined) return connection;
      return changed(
        await stores.connections.setSuspended(connection, undefined, nextUpdateTime(connection, clock.now())),
      );
    },

    async delete(request) {
      try {
        const connection = await read(request);
        await stores.connections.delete(connection);
        changed(connection);
      } catch (error) {
        if (!isVaultError(error, 'CONNECTION_NOT_FOUND')) throw error;
        if (!request.allowMissing) throw nothingToDelete(request);
      }
    },
  };
}

/** The connection as the update leaves it. FIELD_INVALID. */
export function updatedConnection(
  connection: Connection,
  { fields, updateMask }: Pick<UpdateConnection, 'fields' | 'updateMask'>,
  now: Timestamp,
): Connection {
  const changing = masked(updateMask, fields, PATHS, IMMUTABLE);
  return {
    ...connection,
    ...(changing.has('externalId') && {
      externalId: checkExternalId('connection.external_id', fields.externalId) || undefined,
    }),
    ...(changing.has('labels') && { labels: checkLabels('connection.labels', fields.labels) }),
    updateTime: nextUpdateTime(connection, now),
  };
}

function labelFilter(text: string): { key: string; value: string } {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw fieldInvalid('label', 'must be key=value');
  return { key, value };
}

function nothingToDelete(connection: ConnectionId): VaultError {
  const name = connectionName(connection);
  return new VaultError(
    'CONNECTION_NOT_FOUND',
    `There is no ${name}. Look for its name with ListConnections, or set allow_missing if it may be deleted already.`,
    { metadata: { resource: name } },
  );
}
