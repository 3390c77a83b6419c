import type { Connection } from '../../model/connection.ts';
import { withoutNulls } from '../rows/nulls.ts';
import { identityOf } from '../rows/row_macs.ts';
import type { Row } from '../table_definitions.ts';

export type ConnectionRow = Row<'connections'>;

/** The columns that an exchange with Entra may change. */
export function grantColumns(connection: Connection) {
  const { directoryId, objectId } = identityOf(connection);
  return {
    directoryId,
    objectId,
    productScopes: connection.productScopes,
    granted: connection.granted,
    resourceIssues: connection.resourceIssues,
    grantState: connection.grantState,
    stateReason: connection.stateReason,
    verifyTime: connection.verifyTime,
    lastRefreshTime: connection.lastRefreshTime,
    firstSuspectTime: connection.firstSuspectTime,
    heldUntil: connection.heldUntil,
    keepAliveTime: connection.keepAliveTime,
    updateTime: connection.updateTime,
  };
}

/** Usernames are case-insensitive. */
export function indexForm(username: string): string {
  return username.normalize('NFC').toLowerCase();
}

/** The sealed part of an account. */
export interface Personal {
  readonly username?: string | undefined;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
}

/** Without `personal`, the account has ids only. The MAC of the row is not checked. */
export function fromRow(row: ConnectionRow, personal?: Personal): Connection {
  const {
    directoryId,
    objectId,
    personal: _sealed,
    usernameIndex: _index,
    leaseId: _lease,
    mac: _mac,
    ...others
  } = row;
  const { refreshToken: _current, previousRefreshToken: _previous, replacedTime: _replaced, ...columns } = others;
  const { leaseOwner: _owner, leaseUntil: _until, idleRemindedTime: _reminded, ...connection } = withoutNulls(columns);
  if (directoryId === null || objectId === null) return { ...connection, account: undefined };
  const { username, displayName, email } = personal ?? {};
  return { ...connection, account: { directoryId, objectId, username, displayName, email } };
}
