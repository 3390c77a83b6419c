import type { Connection } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import type { Tenant } from '../model/tenant.ts';
import { createMemo } from '../scopes/bounded_memo.ts';

/** Of different lists: connections of one app have few. */
const MOST_VALUES = 10_000;

type Lists = readonly string[] | Readonly<Record<string, readonly string[]>>;

const EMPTY = Object.freeze({});

/**
 * One copy of equal values of many connections, which are read from one row each: a seventh of the memory of a cached
 * token.
 */
export function createSharedValues() {
  const memo = createMemo<Lists>(MOST_VALUES);

  function lists<Value extends Lists>(value: Value): Value {
    return memo(JSON.stringify(value), () => value) as Value;
  }

  return {
    lists,
    /** The connection with the ids of these objects, and with shared lists. */
    connection(connection: Connection, tenant: Tenant, app: App): Connection {
      // Connected through another app since the app was read.
      if (connection.appUid !== app.uid) return connection;
      return {
        ...connection,
        tenantUid: tenant.uid,
        tenantId: tenant.tenantId,
        appUid: app.uid,
        appTenantId: app.tenantId,
        appId: app.appId,
        labels: orEmpty(connection.labels),
        productScopes: lists(connection.productScopes),
        granted: lists(connection.granted),
        resourceIssues: orEmpty(connection.resourceIssues),
      };
    },
  };
}

function orEmpty<Value extends object>(value: Value): Value {
  return Object.keys(value).length === 0 ? (EMPTY as Value) : value;
}
