import type { MacRow } from '../../keyring/keyring.ts';
import { appName, type Connection, canonicalAccount, connectionName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import type { Row } from '../table_definitions.ts';

type ConnectionIdentity = Pick<
  Row<'connections'>,
  'uid' | 'tenantUid' | 'tenantId' | 'connectionId' | 'appUid' | 'appTenantId' | 'appId'
> & {
  readonly [Column in 'externalId' | 'directoryId' | 'objectId']: string | null | undefined;
};

/** Whose grant a connection has, and of which app. */
export function connectionMac(row: ConnectionIdentity): MacRow {
  const { tenantUid, tenantId, connectionId, appUid, appTenantId, appId, externalId, directoryId, objectId } = row;
  return {
    tenantUid,
    tenantId,
    recordType: 'connection',
    recordUid: row.uid,
    resource: connectionName(row),
    values: [connectionId, appUid, appTenantId, appId, externalId, directoryId, objectId],
  };
}

export function identityOf(connection: Connection): ConnectionIdentity {
  const account = canonicalAccount(connection.account);
  return { ...connection, directoryId: account?.directoryId, objectId: account?.objectId };
}

type AppIdentity = Pick<
  App,
  | 'uid'
  | 'tenantUid'
  | 'tenantId'
  | 'appId'
  | 'clientId'
  | 'cloud'
  | 'signInAudience'
  | 'redirectUris'
  | 'returnUrlPrefixes'
  | 'sharedWith'
> & { readonly homeDirectoryId: string | null | undefined };

/** Where tokens and browsers of an app go, and which tenants may use it. */
export function appMac(row: AppIdentity): MacRow {
  const { tenantUid, tenantId, appId, clientId, cloud, signInAudience, homeDirectoryId } = row;
  const { redirectUris, returnUrlPrefixes, sharedWith } = row;
  return {
    tenantUid,
    tenantId,
    recordType: 'app',
    recordUid: row.uid,
    resource: appName(row),
    values: [appId, clientId, cloud, signInAudience, homeDirectoryId, redirectUris, returnUrlPrefixes, sharedWith],
  };
}
