import { metaPlace } from '../../keyring/database_key_canary.ts';
import { type Place, type TenantNames, VAULT } from '../../keyring/keyring.ts';
import type { Connection } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import type { Tables } from '../table_definitions.ts';
import type { MetaKey } from '../vault/vault_metadata_store.ts';

export type NamedConnection = Pick<Connection, 'uid' | 'tenantUid' | 'tenantId' | 'connectionId'>;

/** The names of an app that its credentials are bound to: they are of use for this client in this cloud only. */
export type NamedApp = Pick<App, 'uid' | 'tenantUid' | 'tenantId' | 'clientId' | 'cloud'>;

/** A row of a tenant. */
interface NamedRow extends TenantNames {
  readonly uid: string;
}

/**
 * Every column with sealed values, and how the place of a value is made. Sealing, opening and the verification of backups
 * use this list; a test compares it with the schema.
 */
export const SEALED_COLUMNS = {
  connections: {
    personal: (row: NamedConnection) => ofConnection(row, 'personal'),
    refreshToken: (row: NamedConnection) => ofConnection(row, 'refresh_token'),
    previousRefreshToken: (row: NamedConnection) => ofConnection(row, 'previous_refresh_token'),
  },
  accessTokens: {
    token: (connection: NamedConnection, resource: string) => ({
      ...placeOf(connection, 'access_token', 'token', connection.connectionId),
      recordUid: `${connection.uid} ${resource}`,
    }),
  },
  credentials: {
    material: (app: Omit<NamedApp, 'uid'>, uid: string) =>
      placeOf({ ...tenantOf(app), uid }, 'credential', 'material', app.clientId, app.cloud),
  },
  authorizations: {
    loginHint: (row: NamedRow) => placeOf(row, 'authorization', 'login_hint'),
    waitingGrant: (row: NamedRow & { readonly connectionUid: string }) =>
      placeOf(row, 'authorization', 'waiting_grant', row.connectionUid),
  },
  authorizationAttempts: {
    secrets: (tenant: TenantNames, row: { readonly stateHash: string; readonly authorizationUid: string }) =>
      placeOf({ ...tenant, uid: row.stateHash }, 'authorization_attempt', 'secrets', row.authorizationUid),
  },
  auditStreams: {
    checkpoint: (streamId: string) => placeOf({ ...VAULT, uid: streamId }, 'audit_stream', 'checkpoint'),
  },
  meta: { value: metaPlace },
} satisfies { [Table in keyof Tables]?: { [Column in keyof Tables[Table]]?: (...names: never[]) => Place } };

/** Which values of the table `meta` are sealed. */
export const IS_SEALED_META: Readonly<Record<MetaKey, boolean>> = {
  deployment_id: false,
  canary: true,
  active_root_key: false,
  root_keys: true,
  seal_version: false,
  audit_key: true,
  kek_age: false,
  instance: false,
  unfinished_copy: false,
};

/** Columns of bytes that are not sealed, and why. */
export const UNSEALED_COLUMNS: Readonly<Record<string, string>> = {
  'appLogos.image': 'is shown to everybody',
  'apps.mac': 'is a MAC',
  'connections.mac': 'is a MAC',
  'deks.wrapped': 'is wrapped under the root key',
};

function ofConnection(row: NamedConnection, column: string): Place {
  return placeOf(row, 'connection', column, row.connectionId);
}

function placeOf(row: NamedRow, recordType: string, column: string, ...names: readonly string[]): Place {
  return { ...tenantOf(row), recordType, recordUid: row.uid, column, names };
}

/** Without the other columns of the row. */
function tenantOf({ tenantUid, tenantId }: TenantNames): TenantNames {
  return { tenantUid, tenantId };
}
