import { checkExternalId, checkLabels } from '../model/check_text_fields.ts';
import type { Timestamp } from '../model/clock.ts';
import { type Connection, changeOf, connectionName, nextUpdateTime } from '../model/connection.ts';
import { fieldInvalid, isVaultError, VaultError } from '../model/errors.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { ConnectionFilter } from '../store/store_interfaces.ts';
import { createLookup } from './find_resource_by_id.ts';
import type { RegistryParts } from './registry_dependencies.ts';
import { masked } from './update_mask.ts';

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
  /** The tenants that the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
  readonly state: ConnectionFilter['state'];
  readonly externalId: string;
  /** Case-insensitive. Indexed under each tenant's own key, so a query for one tenant is fastest. */
  readonly username: string;
  /** `key=value`. */
  readonly label: string;
  /** Of the account, in lower case; undefined matches any. */
  readonly objectId: string | undefined;
  readonly directoryId: string | undefined;
  readonly idleSince?: ConnectionFilter['idleSince'];
  readonly page: PageRequest;
}

export interface UpdateConnection extends ConnectionWithEtag {
  readonly fields: { readonly externalId: string; readonly labels: Readonly<Record<string, string>> };
  /** Paths as on the wire (`external_id`); undefined means the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}

const MUTABLE = ['externalId', 'labels'] as const;
const IMMUTABLE = ['name', 'uid', 'app', 'account', 'scopes', 'grants', 'state', 'create_time', 'update_time', 'etag'];

/** Connections after consent: `connect/` creates them, `tokens/` redeems their grants. */
export type Connections = ReturnType<typeof createConnections>;

export function createConnections({ stores, changes, clock }: Pick<RegistryParts, 'stores' | 'changes' | 'clock'>) {
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

  /** A connection that is in the state already is not written. */
  async function setSuspended(request: ConnectionWithEtag, suspended: boolean): Promise<Connection> {
    const connection = await read(request);
    if ((connection.suspendTime !== undefined) === suspended) return connection;
    const now = clock.now();
    const suspendTime = suspended ? now : undefined;
    return changed(await stores.connections.setSuspended(connection, suspendTime, nextUpdateTime(connection, now)));
  }

  return {
    /** TENANT_NOT_FOUND, CONNECTION_NOT_FOUND. */
    get: ({ tenantId, connectionId }: ConnectionId): Promise<Connection> => lookup.connection(tenantId, connectionId),

    /** In the order of (tenant id, connection id). */
    async list({ tenantId, tenantIds, page, ...filter }: ListConnections): Promise<Page<Connection>> {
      if (tenantId !== undefined) await lookup.tenant(tenantId);
      const { externalId, username, label } = filter;
      return stores.connections.list(page, {
        ...filter,
        tenantIds: tenantId === undefined ? tenantIds : [tenantId],
        externalId: externalId || undefined,
        username: username || undefined,
        label: label === '' ? undefined : labelFilter(label),
      });
    },

    /** CONNECTION_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH, CONNECTION_EXISTS (another connection of the tenant has the external id). */
    async update(request: UpdateConnection): Promise<Connection> {
      for (let tries = 1; ; tries += 1) {
        const before = await read(request);
        try {
          return changed(await stores.connections.update(before, updatedConnection(before, request, clock.now())));
        } catch (error) {
          // A refresh may have been recorded since the connection was read; the next try checks the caller's etag again.
          if (tries === 5 || !isVaultError(error, 'ETAG_MISMATCH')) throw error;
        }
      }
    },

    suspend: (request: ConnectionWithEtag) => setSuspended(request, true),
    resume: (request: ConnectionWithEtag) => setSuspended(request, false),

    async delete(request: ConnectionWithEtag & { readonly allowMissing: boolean }): Promise<void> {
      try {
        const connection = await read(request);
        await stores.connections.delete(connection);
        changed(connection);
      } catch (error) {
        if (!isVaultError(error, 'CONNECTION_NOT_FOUND')) throw error;
        if (request.allowMissing) return;
        const resource = connectionName(request);
        throw new VaultError(
          'CONNECTION_NOT_FOUND',
          `There is no ${resource}. Look for its name with ListConnections, or set allow_missing if it may be deleted already.`,
          { metadata: { resource } },
        );
      }
    },
  };
}

/** The connection after the update. FIELD_INVALID. */
function updatedConnection(
  connection: Connection,
  { fields, updateMask }: Pick<UpdateConnection, 'fields' | 'updateMask'>,
  now: Timestamp,
): Connection {
  const changing = masked(updateMask, fields, MUTABLE, IMMUTABLE);
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
  if (key === undefined || value === undefined) throw fieldInvalid('label', 'must have the form key=value');
  return { key, value };
}
