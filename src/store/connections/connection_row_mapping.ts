import type { Account, Connection } from '../../model/connection.ts';
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

/** Without `personal`, the account has ids only. The MAC of the row is not checked. Each column by name, because copying rows costs more. */
export function fromRow(row: ConnectionRow, personal?: Personal): Connection {
  return {
    uid: row.uid,
    tenantUid: row.tenantUid,
    tenantId: row.tenantId,
    connectionId: row.connectionId,
    appUid: row.appUid,
    appTenantId: row.appTenantId,
    appId: row.appId,
    externalId: row.externalId ?? undefined,
    labels: row.labels,
    account: accountOf(row, personal),
    productScopes: row.productScopes,
    granted: row.granted,
    resourceIssues: row.resourceIssues,
    grantState: row.grantState,
    stateReason: row.stateReason ?? undefined,
    suspendTime: row.suspendTime ?? undefined,
    verifyTime: row.verifyTime ?? undefined,
    lastRefreshTime: row.lastRefreshTime ?? undefined,
    firstSuspectTime: row.firstSuspectTime ?? undefined,
    heldUntil: row.heldUntil ?? undefined,
    keepAliveTime: row.keepAliveTime ?? undefined,
    createTime: row.createTime,
    updateTime: row.updateTime,
    version: row.version,
  };
}

function accountOf({ directoryId, objectId }: ConnectionRow, personal: Personal = {}): Account | undefined {
  if (directoryId === null || objectId === null) return undefined;
  const { username, displayName, email } = personal;
  return { directoryId, objectId, username, displayName, email };
}
