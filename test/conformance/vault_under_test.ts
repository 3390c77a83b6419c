import { getTableColumns, is, type SQL, Table } from 'drizzle-orm';
import { expect } from 'vitest';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import { type Clock, MINUTE } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import type { Reason } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import type { Database } from '../../src/store/database_interface.ts';
import type { HeldLease, Stores } from '../../src/store/store_interfaces.ts';
import type { Tables } from '../../src/store/table_definitions.ts';
import { GRAPH, NOW, sampleApp, sampleConnection, sampleCredential, sampleTenant } from './sample_rows.ts';

export interface Opened {
  stores: Stores;
  /** For what no store does: reading and damaging rows. */
  database: Database;
  /** Of the conformance suites. */
  keks?: Keks | undefined;
}

export type Open = (clock: Clock) => Promise<Opened>;

/** A database with a tenant, its app and a connection in it. */
export interface VaultUnderTest extends Opened {
  clock: { time: number; now(): number };
  tenant: Tenant;
  app: App;
  connection: Connection;
  /** Registers another tenant with its app. */
  register(tenantId: string, app?: Partial<App>): Promise<{ tenant: Tenant; app: App }>;
  connect(connectionId: string, changes?: Partial<Connection>): Promise<Connection>;
  lease(resource?: string): Promise<HeldLease>;
  tryLease(): Promise<HeldLease | undefined>;
  /** Every row of every table. */
  dump(): Promise<Record<string, unknown[]>>;
  damage(
    table: keyof Tables,
    set: Record<string, SQL | string | number | readonly string[] | Buffer | null>,
    where?: SQL,
  ): Promise<void>;
}

/** Events have numbers at once, unless `numbered` is false and the database is shared. */
export async function startVault(open: Open, { numbered = true } = {}): Promise<VaultUnderTest> {
  const clock = { time: NOW, now: () => clock.time };
  const { stores: opened, database, keks } = await open(clock);
  const stores = numbered && opened.isShared ? numberedFirst(opened) : opened;
  const register = async (tenantId: string, changes: Partial<App> = {}) => {
    const tenant = sampleTenant(tenantId);
    const app = sampleApp(tenant, 'default', changes);
    await stores.tenants.register({ tenant, app, credential: sampleCredential(app) });
    return { tenant, app };
  };
  const { tenant, app } = await register('acme');
  const connect = (connectionId: string, changes: Partial<Connection> = {}) =>
    stores.connections.replaceGrant(
      undefined,
      sampleConnection(tenant, app, connectionId, changes),
      new Secret(`rt-of-${connectionId}`),
    );
  const connection = await connect('ada');
  const tryLease = (resource = GRAPH) =>
    stores.grants.lease(connection.uid, { owner: 'replica-1', resource, duration: 12_000 });

  return {
    stores,
    database,
    keks,
    clock,
    tenant,
    app,
    connection,
    register,
    connect,
    tryLease,
    async lease(resource) {
      return present(await tryLease(resource));
    },
    async dump() {
      const rows: Record<string, unknown[]> = {};
      for (const [name, table] of tablesOf(database)) {
        rows[name] = await database.select('test', (db) =>
          db
            .select()
            .from(table)
            .orderBy(...Object.values(getTableColumns(table)).slice(0, 2)),
        );
      }
      return rows;
    },
    async damage(name, set, where) {
      const table = database.tables[name];
      await database.write('test', (db) => db.update(table).set(set).where(where)).run({});
    },
  };
}

/** Stores that number new events before each look at them, as the leader of a shared database does all the time. */
function numberedFirst(stores: Stores): Stores {
  const numbered = async () => {
    const lease = present(await stores.leases.acquire('outbox', 'test', MINUTE));
    while (await stores.outbox.number(lease, 1_000));
  };
  const after =
    <Args extends unknown[], Result>(look: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      await numbered();
      return look(...args);
    };
  const { outbox, deliveries } = stores;
  return {
    ...stores,
    outbox: { ...outbox, read: after(outbox.read), last: after(outbox.last), sweep: after(outbox.sweep) },
    deliveries: { ...deliveries, cursor: after(deliveries.cursor), route: after(deliveries.route) },
  };
}

/** All keys of the schema are tables; each is read like any other. Without the ids of commits, which are no content. */
function tablesOf(database: Database) {
  return Object.entries(database.tables).filter(
    (entry): entry is [string, Database['tables']['meta']] => is(entry[1], Table) && entry[0] !== 'commits',
  );
}

export function present<T>(value: T | undefined): T {
  expect(value).toBeDefined();
  return value as T;
}

export async function reasonOf(promise: Promise<unknown>): Promise<Reason | 'none'> {
  return promise.then(
    () => 'none' as const,
    (error: { reason: Reason }) => error.reason,
  );
}
