import { type Event, Event_SeveritySchema } from '../../gen/tokenvault/v1/event_pb.ts';
import {
  type DeadLetter,
  DeadLetterSchema,
  RedeliverDeadLettersResponseSchema,
  WatchEventsResponseSchema,
} from '../../gen/tokenvault/v1/event_service_pb.ts';
import { RpcError } from '../../rpc/grpc_client.ts';
import type { AdminClients } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { type CommandStreams, widthOf } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { enumText } from '../enum_text.ts';
import { printable } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { createTable } from '../format_table.ts';
import { listenForInterruption } from '../listen_for_interruption.ts';
import { messageJson } from '../message_json.ts';
import { type ListFlags, printPages } from '../print_pages.ts';
import { printResult } from '../print_result.ts';
import { minuteOf } from '../status/format_times.ts';
import { writeLines } from '../write_lines.ts';

export interface EventFlags extends OneFlags {
  readonly tenant?: string;
  readonly type?: readonly string[];
  readonly after?: string;
  readonly follow?: true;
}

export interface DeadLetterFlags extends ListFlags {
  readonly sink?: string;
}

const COLUMNS = ['TIME (UTC)', 'SEVERITY', 'TYPE', 'SUBJECT'];
/** From the oldest stored event on. */
const OLDEST = '-';

/** Prints events as they arrive, and returns the exit code. Without `--follow`, up to the last one at the start. */
export function listEvents(flags: EventFlags, { stdout, stderr }: CommandStreams): Promise<number> {
  const { tenant: parent = 'tenants/-', type: types = [], after = OLDEST, follow = false, json } = flags;
  return callVault(flags, async ({ events }) => {
    const table = createTable(COLUMNS, widthOf(stdout));
    const interruption = listenForInterruption();
    const { signal } = interruption;
    let [cursor, count] = [after, 0];
    try {
      const end = follow ? Number.POSITIVE_INFINITY : await lastCursor(events, parent);
      for await (const response of events.watchEvents({ parent, types: [...types], cursor }, { signal })) {
        const { event } = response;
        if (event !== undefined) {
          await writeLines(
            stdout,
            json ? [messageJson(WatchEventsResponseSchema, response)] : table([eventRow(event)]),
          );
          count += 1;
        }
        cursor = response.cursor;
        if (Number(cursor) >= end) break;
      }
    } catch (error) {
      if (cursor !== OLDEST) stderr.write(`Incomplete. Continue with --after ${cursor}\n`);
      if (signal.aborted && error instanceof RpcError) throw new CommandError(interruption.exitCode, 'Interrupted.');
      throw error;
    } finally {
      interruption.stopListening();
    }
    if (count === 0 && !json) stderr.write('No events.\n');
    return EXIT.OK;
  });
}

/** The first message has no event, but the cursor after the newest one. Cursors are the numbers of events. */
async function lastCursor(events: AdminClients['events'], parent: string): Promise<number> {
  for await (const { cursor } of events.watchEvents({ parent })) return Number(cursor);
  return 0;
}

export function listDeadLetters(flags: DeadLetterFlags, streams: CommandStreams): Promise<number> {
  const { sink = '' } = flags;
  return callVault(flags, ({ events }) =>
    printPages<DeadLetter>(
      {
        noun: 'dead letters',
        async read(page) {
          const { deadLetters: items, nextPageToken } = await events.listDeadLetters({ sink, ...page });
          return { items, nextPageToken };
        },
        head: ['GIVEN UP (UTC)', 'SINK', 'ATTEMPTS', 'LAST ERROR', 'EVENT'],
        rows: ({ deadLetterTime, sink: id, attempts, lastError, event }) => [
          [minuteOf(deadLetterTime), id, `${attempts}`, lastError, `${event?.type} ${event?.subject}`],
        ],
        json: (letter) => [messageJson(DeadLetterSchema, letter)],
      },
      flags,
      streams,
    ),
  );
}

export function redeliver(sink: string, flags: OneFlags, streams: CommandStreams): Promise<number> {
  return callVault(flags, async ({ events }) => {
    const message = await events.redeliverDeadLetters({ sink });
    const text = () => [`${message.count} dead letters of ${sink} are pending again.`];
    printResult({ schema: RedeliverDeadLettersResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}

function eventRow({ time, severity, type, subject }: Event): readonly string[] {
  return [minuteOf(time), enumText(Event_SeveritySchema, severity), type, subject].map(printable);
}
