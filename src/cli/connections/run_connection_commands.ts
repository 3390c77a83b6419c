import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Connection, Connection_State, ConnectionSchema } from '../../gen/tokenvault/v1/connection_pb.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { AdminClients } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { type CommandStreams, widthOf } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { messageJson } from '../message_json.ts';
import { type ListFlags, printPages } from '../print_pages.ts';
import { printResult } from '../print_result.ts';
import { CONNECTION_COLUMNS, connectionRow, connectionText } from './format_connection.ts';

/** Of the API. */
export type ConnectionStateName = Exclude<keyof typeof Connection_State, 'UNSPECIFIED'>;

export interface ConnectionListFlags extends ListFlags {
  readonly tenant?: string;
  readonly state?: ConnectionStateName;
  readonly externalId?: string;
  readonly username?: string;
  readonly objectId?: string;
  readonly directory?: string;
  readonly label?: string;
  readonly idleSince?: Timestamp;
}

export type ConnectionVerb = 'show' | 'verify' | 'suspend' | 'resume';

/** Prints the connections, and returns the exit code. */
export function listConnections(flags: ConnectionListFlags, streams: CommandStreams): Promise<number> {
  const { tenant = 'tenants/-', state, externalId, username, objectId, directory, label, idleSince } = flags;
  const filter = {
    parent: tenant,
    ...(state !== undefined && { state: Connection_State[state] }),
    ...(externalId !== undefined && { externalId }),
    ...(username !== undefined && { username }),
    ...(objectId !== undefined && { objectId }),
    ...(directory !== undefined && { directoryId: directory }),
    ...(label !== undefined && { label }),
    ...(idleSince !== undefined && { idleSince: timestampFromMs(idleSince) }),
  };
  return callVault(flags, ({ connections }) =>
    printPages<Connection>(
      {
        noun: 'connections',
        async read(page) {
          const { connections: items, ...rest } = await connections.listConnections({ ...filter, ...page });
          return { items, ...rest };
        },
        head: CONNECTION_COLUMNS,
        rows: (connection) => [connectionRow(connection)],
        json: (connection) => [messageJson(ConnectionSchema, connection)],
      },
      flags,
      streams,
    ),
  );
}

/** Prints the connection after the call, and returns the exit code. */
export function runConnectionCommand(
  verb: ConnectionVerb,
  name: string,
  flags: OneFlags,
  streams: CommandStreams,
): Promise<number> {
  return callVault(flags, async ({ connections }) => {
    const { connection } = await CALLS[verb](connections, name);
    if (connection === undefined) return EXIT.SOFTWARE;
    const text = (shown: Connection) => connectionText(shown, widthOf(streams.stdout));
    printResult({ schema: ConnectionSchema, message: connection, text }, flags, streams);
    return verb === 'verify' && connection.state !== Connection_State.ACTIVE ? EXIT.DATA : EXIT.OK;
  });
}

const CALLS: Readonly<
  Record<
    ConnectionVerb,
    (service: AdminClients['connections'], name: string) => Promise<{ readonly connection?: Connection | undefined }>
  >
> = {
  show: (service, name) => service.getConnection({ name }),
  verify: (service, name) => service.verifyConnection({ name }),
  suspend: (service, name) => service.suspendConnection({ name }),
  resume: (service, name) => service.resumeConnection({ name }),
};
