import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { newUid } from '../model/ids.ts';
import { checkExternalId, checkLabels } from '../model/labels.ts';
import type { Tenant } from '../model/tenant.ts';

interface Wish {
  readonly connectionId: string;
  readonly externalId?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** FIELD_INVALID, before anything else is done. */
export function checkWish({ externalId, labels }: Wish): void {
  if (externalId !== undefined) checkExternalId('external_id', externalId);
  if (labels !== undefined) checkLabels('labels', labels);
}

/** PENDING: named, but never granted. */
export function newConnection(from: { tenant: Tenant; app: App; request: Wish; now: Timestamp }): Connection {
  const { tenant, app, request, now } = from;
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

/** The connection with the external id and labels that were asked for; undefined when that changes nothing. */
export function relabelled(connection: Connection, request: Wish, now: Timestamp): Connection | undefined {
  const externalId = request.externalId ?? connection.externalId;
  const labels = request.labels ?? connection.labels;
  const same = externalId === connection.externalId && isSame(labels, connection.labels);
  return same ? undefined : { ...connection, externalId, labels, updateTime: now };
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
