import { isDeepStrictEqual } from 'node:util';
import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { Connection } from '../../model/connection.ts';
import { type Database, placeholders, type WriteStatement } from '../database_interface.ts';

/** Which columns a record changes, besides its times. */
export interface RecordedColumns {
  readonly person: boolean;
  readonly tokens: boolean;
  readonly state: boolean;
}

/**
 * The updates of a row by the outcome of a refresh, fenced by the lease id. They leave out what stays the same: a rotation may
 * have sealed it again since it was read, and SQLite writes each index of a column in the list, also if its value is the same.
 */
export function createRecordStatements(database: Database): (changed: RecordedColumns) => WriteStatement {
  const { connections } = database.tables;
  const all = placeholders(getTableColumns(connections));
  const groups = {
    person: { personal: all.personal, usernameIndex: all.usernameIndex },
    tokens: {
      refreshToken: all.refreshToken,
      previousRefreshToken: all.previousRefreshToken,
      replacedTime: all.replacedTime,
    },
    state: {
      productScopes: all.productScopes,
      granted: all.granted,
      resourceIssues: all.resourceIssues,
      grantState: all.grantState,
      stateReason: all.stateReason,
      firstSuspectTime: all.firstSuspectTime,
      heldUntil: all.heldUntil,
      updateTime: all.updateTime,
    },
  } satisfies Record<keyof RecordedColumns, Record<string, SQL>>;
  const statements = new Map<string, WriteStatement>();

  for (const person of [false, true])
    for (const tokens of [false, true])
      for (const state of [false, true]) {
        const name = nameOf({ person, tokens, state });
        const columns = { ...(person && groups.person), ...(tokens && groups.tokens), ...(state && groups.state) };
        statements.set(name, record(name, columns));
      }

  function record(name: string, columns: Record<string, SQL>): WriteStatement {
    return database.write(name, (db) =>
      db
        .update(connections)
        .set({
          ...columns,
          verifyTime: all.verifyTime,
          lastRefreshTime: all.lastRefreshTime,
          keepAliveTime: all.keepAliveTime,
          version: sql`${connections.version} + 1`,
          leaseOwner: null,
          leaseUntil: null,
        })
        .where(and(eq(connections.uid, all.uid), eq(connections.leaseId, all.leaseId))),
    );
  }

  return (changed) => statements.get(nameOf(changed)) as WriteStatement;
}

function nameOf({ person, tokens, state }: RecordedColumns): string {
  return `grants.record${person ? 'Person' : ''}${tokens ? 'Tokens' : ''}${state ? 'State' : ''}`;
}

/** False in nearly all refreshes, which confirm the state. */
export function hasOtherState(before: Connection, after: Connection): boolean {
  return !isDeepStrictEqual(stateOf(before), stateOf(after));
}

function stateOf(connection: Connection) {
  const { productScopes, granted, resourceIssues, grantState, stateReason, firstSuspectTime, heldUntil, updateTime } =
    connection;
  return { productScopes, granted, resourceIssues, grantState, stateReason, firstSuspectTime, heldUntil, updateTime };
}
