import { setImmediate } from 'node:timers/promises';
import { and, asc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { Connection } from '../model/connection.ts';
import { fieldInvalid } from '../model/errors.ts';
import { type ConnectionRow, type ConnectionRows, indexForm } from './connection_rows.ts';
import type { Database } from './database.ts';
import { pairKey, splitPairKey, toPage } from './page_keys.ts';
import type { ConnectionFilter, ConnectionStore } from './stores.ts';
import type { TenantKeys } from './tenant_keys.ts';

interface ConnectionListParts {
  database: Database;
  keys: TenantKeys;
  connectionRows: ConnectionRows;
}

/** Every tenant has an index key of its own, so a username is looked for under each. */
const MOST_TENANTS_BY_USERNAME = 10_000;
const TENANTS_A_TURN = 100;

export function createConnectionList({ database, keys, connectionRows }: ConnectionListParts): ConnectionStore['list'] {
  const { connections, tenants } = database.tables;

  async function usernameIs(username: string, tenantIds: readonly string[] | undefined): Promise<SQL> {
    const searched = await database.select('tenants.uids', (db) =>
      db
        .select({ uid: tenants.uid })
        .from(tenants)
        .where(tenantIds && inArray(tenants.tenantId, [...tenantIds]))
        .limit(MOST_TENANTS_BY_USERNAME + 1),
    );
    if (searched.length > MOST_TENANTS_BY_USERNAME) {
      throw fieldInvalid('username', 'there are too many tenants to look in; name one as the parent');
    }
    const indexes: string[] = [];
    for (const [count, { uid }] of searched.entries()) {
      // Unwrapping their keys would hold the event loop for half a second.
      if (count % TENANTS_A_TURN === 0) await setImmediate();
      await keys.ready(uid);
      indexes.push(keys.keyring.blindIndex(uid, indexForm(username)));
    }
    return inArray(connections.usernameIndex, indexes);
  }

  async function conditions({ tenantIds, state, externalId, username, label }: ConnectionFilter) {
    return [
      // A username's index belongs to one tenant; naming the tenant too would lead the planner away from it.
      username === undefined && tenantIds ? inArray(connections.tenantId, [...tenantIds]) : undefined,
      state && stateIs(state),
      externalId === undefined ? undefined : eq(connections.externalId, externalId),
      username === undefined ? undefined : await usernameIs(username, tenantIds),
      label && database.dialect.labelIs(connections.labels, label.key, label.value),
    ];
  }

  return async (page, filter) => {
    const after = page.after === undefined ? undefined : splitPairKey(page.after);
    const wanted = await conditions(filter);
    const rows = await database.select('connections.list', (db) =>
      db
        .select()
        .from(connections)
        .where(
          and(
            ...wanted,
            after && sql`(${connections.tenantId}, ${connections.connectionId}) > (${after[0]}, ${after[1]})`,
          ),
        )
        .orderBy(asc(connections.tenantId), asc(connections.connectionId))
        .limit(page.size + 1),
    );
    const { items, next } = toPage<ConnectionRow, ConnectionRow>(
      rows,
      page,
      (row) => pairKey(row.tenantId, row.connectionId),
      (row) => row,
    );
    const opened: Connection[] = [];
    for (const row of items) opened.push(await connectionRows.toConnection(row));
    return { items: opened, next };
  };
}

/** Literal words, so that the partial indexes are found. */
function stateIs(state: NonNullable<ConnectionFilter['state']>): SQL {
  switch (state) {
    case 'SUSPENDED':
      return sql`suspend_time IS NOT NULL`;
    default:
      return sql`suspend_time IS NULL AND grant_state = ${state}`;
  }
}
