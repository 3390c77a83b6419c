import {
  type Connection,
  Connection_StateSchema,
  ConnectionResource_StateSchema,
} from '../../gen/tokenvault/v1/connection_pb.ts';
import { ErrorReasonSchema } from '../../gen/tokenvault/v1/error_reason_pb.ts';
import { reasonText, runbookText } from '../apps/format_app.ts';
import { enumText } from '../enum_text.ts';
import { factLines, tableLines } from '../format_table.ts';
import { dayOf, minuteOf } from '../status/format_times.ts';
import { labelsText } from '../tenants/format_tenant.ts';

export const CONNECTION_COLUMNS = ['STATE', 'REASON', 'REFRESHED', 'CONNECTION'];

export function connectionRow({ state, stateReason, lastRefreshTime, name }: Connection): readonly string[] {
  return [
    enumText(Connection_StateSchema, state),
    stateReason === undefined ? '' : enumText(ErrorReasonSchema, stateReason.reason),
    lastRefreshTime === undefined ? 'never' : dayOf(lastRefreshTime),
    name,
  ];
}

/** For people: what is not set is left out. `width`: of the terminal. */
export function connectionText(connection: Connection, width: number | undefined): readonly string[] {
  const { account, lastServedTime } = connection;
  const facts = factLines([
    ['Connection', connection.name],
    ['State', enumText(Connection_StateSchema, connection.state)],
    ['Reason', reasonText(connection.stateReason)],
    ['What to do', runbookText(connection.stateReason)],
    ['App', connection.app],
    ['Account', [account?.username, account?.displayName].filter((text) => text).join(', ')],
    ['Directory', account?.directoryId ?? ''],
    ['Object id', account?.objectId ?? ''],
    ['External id', connection.externalId],
    ['Labels', labelsText(connection.labels)],
    ['Scopes', connection.scopes.join(', ')],
    ['Refreshed', minuteOf(connection.lastRefreshTime)],
    ['Verified', minuteOf(connection.verifyTime)],
    ['Expires idle', minuteOf(connection.idleExpireTime)],
    ['Last served', minuteOf(lastServedTime)],
    ['Created', minuteOf(connection.createTime)],
    ['Changed', minuteOf(connection.updateTime)],
    ['UID', connection.uid],
  ]);
  const resources = connection.resources.map(({ state, stateReason, retryTime, resource, permissions }) => [
    enumText(ConnectionResource_StateSchema, state),
    stateReason === undefined ? '' : enumText(ErrorReasonSchema, stateReason.reason),
    minuteOf(retryTime),
    `${resource} ${permissions.join(' ')}`,
  ]);
  const callers = connection.callers.map(({ lastServedTime: time, caller }) => [
    time === undefined ? '' : dayOf(time),
    caller,
  ]);
  return [
    ...facts,
    ...(resources.length === 0
      ? []
      : ['', ...tableLines(['STATE', 'REASON', 'RETRY (UTC)', 'RESOURCE'], resources, width)]),
    ...(callers.length === 0 ? [] : ['', ...tableLines(['LAST SERVED', 'CALLER'], callers, width)]),
  ];
}
