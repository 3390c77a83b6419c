import { and, asc, type Column, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { connectionName } from '../../model/connection.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { afterPair, pairKey, toPage } from '../rows/keyset_pagination.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { ConnectionFilter, ConnectionStore } from '../store_interfaces.ts';
import { type ConnectionRow, indexForm } from './connection_row_mapping.ts';
import type { ConnectionRows } from './connection_rows.ts';

/** Every tenant has its own index key, so a search by username computes one index value per tenant. */
const MOST_TENANTS_BY_USERNAME = 10_000;

export function createConnectionList(
  { database, keys }: StoreParts,
  connectionRows: ConnectionRows,
): ConnectionStore['list'] {
  const { connections, tenants } = database.tables;

  async function usernameIndexes(username: string, tenantIds: readonly string[] | undefined) {
    const searched = await database.select('tenants.uids', (db) =>
      db
        .select({ tenantUid: tenants.uid, tenantId: tenants.tenantId })
        .from(tenants)
        .where(tenantIds && inArray(tenants.tenantId, [...tenantIds]))
        .limit(MOST_TENANTS_BY_USERNAME + 1),
    );
    if (searched.length > MOST_TENANTS_BY_USERNAME) {
      throw fieldInvalid('username', 'There are too many tenants to search. Name one as the parent.');
    }
    return keys.openPage(
      searched,
      ({ tenantId }) => `tenants/${tenantId}`,
      async (tenant) => {
        await keys.ready(tenant.tenantUid);
        return keys.keyring.blindIndex(tenant, indexForm(username));
      },
    );
  }

  function conditions(filter: ConnectionFilter, usernameIndexes: readonly string[] | undefined): SQL[] {
    const { state, externalId, label, objectId, directoryId, idleSince } = filter;
    const wanted: SQL[] = [];
    // Only the first condition may use its index. The planner does not know that a state has a hundred thousand rows and an external id has
    // one: with `|| ''`, the columns of the others match no index.
    const by = (column: Column) => (wanted.length === 0 ? sql`${column}` : sql`${column} || ''`);

    if (externalId !== undefined) wanted.push(eq(by(connections.externalId), externalId));
    if (usernameIndexes !== undefined) wanted.push(inArray(by(connections.usernameIndex), [...usernameIndexes]));
    // GUIDs are case-insensitive, and stored in lower case, as Entra writes them.
    if (objectId !== undefined) wanted.push(eq(by(connections.objectId), objectId.toLowerCase()));
    if (directoryId !== undefined) wanted.push(eq(by(connections.directoryId), directoryId.toLowerCase()));
    if (state === 'SUSPENDED') wanted.push(sql`suspend_time IS NOT NULL`);
    else if (state !== undefined) {
      // As raw SQL, so that the planner finds the partial index.
      const grantState = wanted.length === 0 ? sql`grant_state` : sql`grant_state || ''`;
      wanted.push(sql`suspend_time IS NULL AND ${grantState} = ${state}`);
    }
    if (label !== undefined) wanted.push(database.dialect.labelIs(connections.labels, label.key, label.value));
    // By the primary key of the other table, for each row of the page.
    if (idleSince !== undefined) {
      wanted.push(
        sql`${connections.createTime} < ${idleSince} AND NOT EXISTS (
          SELECT 1 FROM connection_use AS used
          WHERE used.connection_uid = ${connections.uid} AND used.last_served_time >= ${idleSince})`,
      );
    }
    return wanted;
  }

  return async (page, filter) => {
    const { username, tenantIds } = filter;
    const searched = username === undefined ? undefined : await usernameIndexes(username, tenantIds);
    const wanted = conditions(filter, searched?.items);
    // A username index value belongs to one tenant. With a condition on the tenant, the planner would not use the index of usernames.
    const tenants = username === undefined ? tenantIds : undefined;
    const rows = await database.select('connections.list', (db) =>
      db
        .select()
        .from(connections)
        .where(and(...wanted, afterPair(page, connections.tenantId, connections.connectionId, tenants)))
        .orderBy(asc(connections.tenantId), asc(connections.connectionId))
        .limit(page.size + 1),
    );
    const { items, next } = toPage<ConnectionRow, ConnectionRow>(
      rows,
      page,
      (row) => pairKey(row.tenantId, row.connectionId),
      (row) => row,
    );
    const opened = await keys.openPage(items, connectionName, connectionRows.toConnection);
    const unreachable = [...(searched?.unreachable ?? []), ...(opened.unreachable ?? [])];
    return { ...opened, next, ...(unreachable.length > 0 && { unreachable }) };
  };
}
