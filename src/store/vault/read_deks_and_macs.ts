import { eq, getTableName } from 'drizzle-orm';
import { type MacRow, VAULT_UID, type WrappedDek } from '../../keyring/keyring.ts';
import type { Database } from '../database_interface.ts';
import { createBatchReader } from '../rows/read_in_batches.ts';
import { appMac, connectionMac } from '../rows/row_macs.ts';

/** Every wrapped DEK of a database, to verify a backup. A missing tenant gives a name for which no DEK unwraps. */
export function readDeks(database: Database): AsyncGenerator<WrappedDek> {
  const { deks, tenants } = database.tables;
  const { tenantUid, version, wrapped } = deks;
  const rows = createBatchReader(database)({ tenantUid, version }, (db, { where, order, limit }) =>
    db
      .select({ tenantUid, version, wrapped, tenantId: tenants.tenantId })
      .from(deks)
      .leftJoin(tenants, eq(tenants.uid, tenantUid))
      .where(where)
      .orderBy(...order)
      .limit(limit),
  );
  return (async function* () {
    for await (const row of rows) yield { ...row, tenantId: row.tenantId ?? VAULT_UID };
  })();
}

export interface StoredMac {
  /** As in SQL. */
  readonly table: string;
  readonly row: MacRow;
  readonly mac: Buffer | null;
}

/** Every row that has a MAC, for `keyring.checkMac`. */
export async function* readMacs(database: Database): AsyncGenerator<StoredMac> {
  const { connections, apps } = database.tables;
  const inBatches = createBatchReader(database);
  const allConnections = inBatches({ uid: connections.uid }, (db, { where, order, limit }) =>
    db
      .select()
      .from(connections)
      .where(where)
      .orderBy(...order)
      .limit(limit),
  );
  for await (const row of allConnections) {
    yield { table: getTableName(connections), row: connectionMac(row), mac: row.mac };
  }
  const allApps = inBatches({ uid: apps.uid }, (db, { where, order, limit }) =>
    db
      .select()
      .from(apps)
      .where(where)
      .orderBy(...order)
      .limit(limit),
  );
  for await (const row of allApps) yield { table: getTableName(apps), row: appMac(row), mac: row.mac };
}
