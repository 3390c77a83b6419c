import { type Account, type Connection, canonicalAccount } from '../../model/connection.ts';
import { issuesFromJson, stateReasonFromJson } from '../rows/state_reason_json.ts';
import type { Row } from '../tables.ts';

export type ConnectionRow = Row<'connections'>;

/** What an exchange with Entra may change. */
export function grantColumns(connection: Connection) {
  const account = canonicalAccount(connection.account);
  return {
    directoryId: account?.directoryId ?? null,
    objectId: account?.objectId ?? null,
    productScopes: connection.productScopes,
    granted: connection.granted,
    resourceIssues: connection.resourceIssues,
    grantState: connection.grantState,
    stateReason: connection.stateReason ?? null,
    verifyTime: connection.verifyTime ?? null,
    lastRefreshTime: connection.lastRefreshTime ?? null,
    firstSuspectTime: connection.firstSuspectTime ?? null,
    heldUntil: connection.heldUntil ?? null,
    keepAliveTime: connection.keepAliveTime ?? null,
    updateTime: connection.updateTime,
  };
}

export function placeOf(connectionUid: string, tenantUid: string, column: string) {
  return { tenantUid, recordType: 'connection', recordUid: connectionUid, column };
}

/** Two spellings of one username differ in case alone. */
export function indexForm(username: string): string {
  return username.normalize('NFC').toLowerCase();
}

/** What is sealed of an account. */
export interface Personal {
  username?: string;
  displayName?: string;
  email?: string;
}

/** Without `personal` nothing needs to be opened. */
export function fromRow(row: ConnectionRow, personal: Personal | undefined): Connection {
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
    resourceIssues: issuesFromJson(row.resourceIssues),
    grantState: row.grantState,
    stateReason: stateReasonFromJson(row.stateReason),
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

function accountOf({ directoryId, objectId }: ConnectionRow, personal: Personal | undefined): Account | undefined {
  if (directoryId === null || objectId === null) return undefined;
  const { username, displayName, email } = personal ?? {};
  return { directoryId, objectId, username, displayName, email };
}
