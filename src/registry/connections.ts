import type { Connection } from '../model/connection.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { ConnectionFilter } from '../store/stores.ts';

/** Connections as operators and products see them; consent is `connect/`'s, redeeming `tokens/`'s. */
export interface Connections {
  /** TENANT_NOT_FOUND, CONNECTION_NOT_FOUND. */
  get(connection: ConnectionId): Promise<Connection>;
  /** In the order of (tenant id, connection id). */
  list(request: ListConnections): Promise<Page<Connection>>;
  /** CONNECTION_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH. */
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
  /** Needs one tenant: usernames are indexed under its key. */
  readonly username: string;
  /** `key=value`. */
  readonly label: string;
  readonly page: PageRequest;
}

export interface UpdateConnection extends ConnectionWithEtag {
  readonly fields: { readonly externalId: string; readonly labels: Readonly<Record<string, string>> };
  /** Paths as on the wire (`external_id`); undefined: the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}
