import { type BoundedCache, createBoundedCache } from '../model/bounded_cache.ts';
import type { Connection } from '../model/connection.ts';
import { isGrantSound } from '../model/connection_resource_states.ts';
import type { App } from '../model/entra_app.ts';
import { connectionNotFound, tenantNotFound } from '../model/not_found_errors.ts';
import type { Change } from '../model/resource_change_announcements.ts';
import { createSingleFlight } from '../model/single_flight.ts';
import type { Tenant } from '../model/tenant.ts';
import { createMemo } from '../scopes/bounded_memo.ts';
import type { TokenScope } from '../scopes/scope_translator_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { type ServingFacts, servingBlock } from './connection_serving_errors.ts';
import { createSharedValues } from './share_equal_values.ts';

/** Of connections with equal grants, because callers choose scopes freely. */
const MOST_RESOLVED = 64;
/** Different grants. */
const MOST_SHARED = 1_000;

/** Everything that decides whether a connection is served, as last read. */
export interface ConnectionSnapshot extends ServingFacts {
  /** Name of the scope catalog that translates product scopes. */
  readonly catalog: string;
  /** The connection is served, except that single resources may be refused. */
  readonly open: boolean;
  /** The refresh token may be redeemed, though all resources may be refused for reasons of their own. */
  readonly sound: boolean;
  /** Requested scopes that were found granted, by their text. Shared by connections with equal grants. */
  readonly resolvedScopes: ResolvedScopes;
}

export type ResolvedScopes = BoundedCache<string, TokenScope>;

export type ConnectionSnapshots = ReturnType<typeof createConnectionSnapshots>;

export interface ConnectionSnapshotsParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections'>;
  readonly limit: number;
}

/** Snapshots in memory, so that a cache hit does not read the database. */
export function createConnectionSnapshots({ stores, limit }: ConnectionSnapshotsParts) {
  /** By name. A hit reads this map alone: of many connections, each further one costs reads of cold memory. */
  const snapshots = createBoundedCache<string, ConnectionSnapshot>(limit, (_name, { connection }) =>
    names.delete(connection.uid),
  );
  /** By uid. A snapshot is under one name, so that a drop is complete. */
  const names = new Map<string, string>();
  const loads = createSingleFlight<ConnectionSnapshot>();
  /** Recorded versions by uid: an earlier read must not replace them. */
  const recorded = createBoundedCache<string, number>(10_000);
  /** Connections of one tenant and app share these objects, which are most of a snapshot. */
  const sharedTenants = createShared<Tenant>();
  const sharedApps = createShared<App>();
  const shared = createSharedValues();
  let sharedScopes = createMemo<ResolvedScopes>(MOST_SHARED);
  let changes = 0;

  async function read(tenantId: string, connectionId: string): Promise<ConnectionSnapshot> {
    const tenant = await stores.tenants.find(tenantId);
    if (tenant === undefined) throw tenantNotFound(tenantId);
    const connection = await stores.connections.find(tenant.uid, connectionId);
    const app = connection === undefined ? undefined : await stores.apps.findByUid(connection.appUid);
    if (connection === undefined || app === undefined) throw connectionNotFound({ tenantId, connectionId });
    const owner = app.tenantUid === tenant.uid ? tenant : ((await stores.tenants.find(app.tenantId)) ?? tenant);
    return snapshotOf(sharedTenants.of(tenant), sharedTenants.of(owner), sharedApps.of(app), connection);
  }

  function snapshotOf(tenant: Tenant, owner: Tenant, app: App, read: Connection): ConnectionSnapshot {
    const connection = shared.connection(read, tenant, app);
    const sound = servingBlock({ tenant, owner, app, connection }) === undefined && isGrantSound(connection);
    const catalog = app.catalog ?? tenant.catalog;
    return {
      tenant,
      owner,
      app,
      connection,
      catalog,
      open: sound && connection.grantState === 'ACTIVE',
      sound,
      resolvedScopes: resolvedScopesOf(connection, catalog, app),
    };
  }

  function resolvedScopesOf(connection: Connection, catalog: string, { cloud }: App): ResolvedScopes {
    const { granted, productScopes, resourceIssues } = connection;
    const make = () => createBoundedCache<string, TokenScope>(MOST_RESOLVED);
    if (Object.keys(resourceIssues).length > 0) return make();
    return sharedScopes(JSON.stringify([catalog, cloud, granted, productScopes]), make);
  }

  function remember(name: string, snapshot: ConnectionSnapshot): void {
    const { uid } = snapshot.connection;
    const replaced = snapshots.get(name);
    if (replaced !== undefined) names.delete(replaced.connection.uid);
    forget(uid);
    names.set(uid, name);
    snapshots.set(name, snapshot);
  }

  function forget(uid: string): void {
    const name = names.get(uid);
    if (name === undefined) return;
    names.delete(uid);
    snapshots.delete(name);
  }

  function load(tenantId: string, connectionId: string): Promise<ConnectionSnapshot> {
    const key = keyOf(tenantId, connectionId);
    // A request after a change must not join a read from before it.
    return loads.run(`${changes} ${key}`, async () => {
      for (let attempt = 1; ; attempt++) {
        const changesBefore = changes;
        const snapshot = await read(tenantId, connectionId);
        // Changed during the read: the result may be outdated, and must not be remembered.
        const { uid, version } = snapshot.connection;
        const isCurrent = changesBefore === changes && version >= (recorded.get(uid) ?? 0);
        if (!isCurrent && attempt < 3) continue;
        if (isCurrent) remember(key, snapshot);
        return snapshot;
      }
    });
  }

  function peek(tenantId: string, connectionId: string): ConnectionSnapshot | undefined {
    return snapshots.get(keyOf(tenantId, connectionId));
  }

  return {
    peek,
    /** TENANT_NOT_FOUND, CONNECTION_NOT_FOUND. */
    async get(tenantId: string, connectionId: string): Promise<ConnectionSnapshot> {
      return peek(tenantId, connectionId) ?? (await load(tenantId, connectionId));
    },
    /** Reads it again. */
    load,
    /** Undefined: the connection was deleted. */
    async findByUid(connectionUid: string): Promise<ConnectionSnapshot | undefined> {
      const connection = await stores.connections.findByUid(connectionUid);
      if (connection === undefined) return undefined;
      return load(connection.tenantId, connection.connectionId);
    },
    /** An outcome was recorded: replaces the connection in its snapshot. */
    update(connection: Connection): void {
      const name = names.get(connection.uid);
      const known = name === undefined ? undefined : snapshots.get(name);
      recorded.set(connection.uid, connection.version);
      // It may have changed and been read again between the record and this call.
      if (name === undefined || known === undefined || known.connection.version > connection.version) return;
      snapshots.set(name, snapshotOf(known.tenant, known.owner, known.app, connection));
    },
    drop(change: Change): void {
      changes++;
      if (change.kind === 'connection') {
        forget(change.uid);
        return;
      }
      for (const snapshot of snapshots.values()) {
        if (concerns(change, snapshot)) forget(snapshot.connection.uid);
      }
    },
    /** The catalogs that translated them were replaced. */
    forgetScopes(): void {
      sharedScopes = createMemo(MOST_SHARED);
      for (const { resolvedScopes } of snapshots.values()) resolvedScopes.clear();
    },
    /** Also what is known of versions: in a restored database, they may repeat with other content. */
    clear(): void {
      changes++;
      for (const cache of [snapshots, names, recorded, sharedTenants, sharedApps]) cache.clear();
      sharedScopes = createMemo(MOST_SHARED);
    },
  };
}

/** Returns one object for all reads of a version: the first. */
function createShared<Resource extends { readonly uid: string; readonly version: number }>() {
  const known = createBoundedCache<string, Resource>(10_000);
  return {
    of(read: Resource): Resource {
      const shared = known.get(read.uid);
      if (shared !== undefined && shared.version === read.version) return shared;
      known.set(read.uid, read);
      return read;
    },
    clear: known.clear,
  };
}

/** Tenant ids contain no slash. */
function keyOf(tenantId: string, connectionId: string): string {
  return `${tenantId}/${connectionId}`;
}

function concerns(change: Change, snapshot: ConnectionSnapshot): boolean {
  if (change.kind === 'app') return snapshot.app.uid === change.uid;
  return snapshot.tenant.uid === change.uid || snapshot.owner.uid === change.uid;
}
