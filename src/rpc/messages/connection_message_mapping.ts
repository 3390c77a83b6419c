import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Account as AccountMessage,
  Connection_State,
  ConnectionResource_State,
  type ConnectionResourceSchema,
  type ConnectionSchema,
} from '../../gen/tokenvault/v1/connection_pb.ts';
import {
  type Account,
  appName,
  type Connection,
  type ConnectionState,
  changeOf,
  connectionName,
  connectionState,
  idleExpireTime,
} from '../../model/connection.ts';
import { type ConnectionResource, resourcesOf } from '../../model/connection_resource_states.ts';
import { etagOf } from '../../model/etag.ts';
import type { ConnectionUsage } from '../../usage/usage_queries.ts';
import { fromWireEnum, given, toWireTime } from './field_value_conversion.ts';
import { toStateReasonMessage } from './state_reason_message_mapping.ts';

const STATES: readonly (ConnectionState | undefined)[] = [
  undefined,
  'PENDING',
  'ACTIVE',
  'REAUTHORIZATION_REQUIRED',
  'BLOCKED',
  'SUSPENDED',
];

export function toConnectionMessage(
  connection: Connection,
  usage?: Partial<ConnectionUsage>,
): MessageInitShape<typeof ConnectionSchema> {
  return {
    name: connectionName(connection),
    uid: connection.uid,
    app: appName({ tenantId: connection.appTenantId, appId: connection.appId }),
    externalId: connection.externalId ?? '',
    labels: { ...connection.labels },
    account: connection.account && toAccountMessage(connection.account),
    scopes: [...connection.productScopes],
    resources: resourcesOf(connection).map(toResourceMessage),
    state: Connection_State[connectionState(connection)],
    stateReason: toStateReasonMessage(connection.stateReason),
    verifyTime: toWireTime(connection.verifyTime),
    lastRefreshTime: toWireTime(connection.lastRefreshTime),
    idleExpireTime: toWireTime(idleExpireTime(connection)),
    createTime: toWireTime(connection.createTime),
    updateTime: toWireTime(connection.updateTime),
    etag: etagOf(changeOf(connection)),
    lastServedTime: toWireTime(usage?.lastServedTime),
    callers: (usage?.callers ?? []).map(({ caller, lastServedTime }) => ({
      caller,
      lastServedTime: toWireTime(lastServedTime),
    })),
  };
}

export function fromConnectionState(field: string, state: Connection_State): ConnectionState | undefined {
  return fromWireEnum(field, STATES, state);
}

export function fromAccountMessage(account: AccountMessage | undefined): Partial<Account> | undefined {
  if (account === undefined) return undefined;
  const known = {
    directoryId: given(account.directoryId),
    objectId: given(account.objectId),
    username: given(account.username),
    displayName: given(account.displayName),
    email: given(account.email),
  };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}

function toResourceMessage(resource: ConnectionResource): MessageInitShape<typeof ConnectionResourceSchema> {
  return {
    resource: resource.resource,
    permissions: resource.permissions.toSorted(),
    state: ConnectionResource_State[resource.state],
    stateReason: toStateReasonMessage(resource.evidence),
    retryTime: toWireTime(resource.retryTime),
  };
}

function toAccountMessage(account: Account) {
  return {
    directoryId: account.directoryId,
    objectId: account.objectId,
    username: account.username ?? '',
    displayName: account.displayName ?? '',
    email: account.email ?? '',
  };
}
