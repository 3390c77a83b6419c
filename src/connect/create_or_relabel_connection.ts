import { isDeepStrictEqual } from 'node:util';
import { checkExternalId, checkLabels } from '../model/check_text_fields.ts';
import type { Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { newUid } from '../model/id_patterns.ts';
import type { Tenant } from '../model/tenant.ts';

/** The fields of a connection that a request sets. Undefined: unchanged. */
interface ConnectionFields {
  readonly connectionId: string;
  readonly externalId?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** FIELD_INVALID. */
export function checkConnectionFields({ externalId, labels }: ConnectionFields): void {
  if (externalId !== undefined) checkExternalId('external_id', externalId);
  if (labels !== undefined) checkLabels('labels', labels);
}

/** PENDING: it exists, but has never had a grant. */
export function newConnection(
  tenant: Pick<Tenant, 'uid' | 'tenantId'>,
  app: App,
  request: ConnectionFields,
  now: Timestamp,
): Connection {
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    connectionId: request.connectionId,
    appUid: app.uid,
    appTenantId: app.tenantId,
    appId: app.appId,
    externalId: request.externalId,
    labels: request.labels ?? {},
    account: undefined,
    productScopes: [],
    granted: {},
    resourceIssues: {},
    grantState: 'PENDING',
    stateReason: undefined,
    suspendTime: undefined,
    verifyTime: undefined,
    lastRefreshTime: undefined,
    firstSuspectTime: undefined,
    heldUntil: undefined,
    keepAliveTime: undefined,
    createTime: now,
    updateTime: now,
    version: 1,
  };
}

/** The connection with the requested external id and labels; undefined: nothing changes. */
export function relabelled(connection: Connection, request: ConnectionFields, now: Timestamp): Connection | undefined {
  const { externalId = connection.externalId, labels = connection.labels } = request;
  const same = externalId === connection.externalId && isDeepStrictEqual({ ...labels }, { ...connection.labels });
  return same ? undefined : { ...connection, externalId, labels, updateTime: now };
}
