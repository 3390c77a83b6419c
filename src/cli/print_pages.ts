import type { Duration } from '../model/clock.ts';
import type { VaultAccess } from './admin_grpc_clients.ts';
import { type CommandStreams, widthOf } from './command_streams.ts';
import { printable } from './error_text.ts';
import { CommandError, EXIT } from './exit_codes.ts';
import { createTable } from './format_table.ts';
import { Interrupted } from './import/retry_vault_calls.ts';
import { listenForInterruption } from './listen_for_interruption.ts';
import { createPatience } from './patient_calls.ts';
import { writeLines } from './write_lines.ts';

/** The options of every list. */
export interface ListFlags extends VaultAccess {
  readonly json?: true;
  readonly limit?: number;
  readonly pageToken?: string;
}

export interface ListedPage<Item> {
  readonly items: readonly Item[];
  readonly nextPageToken: string;
  readonly unreachable?: readonly string[];
}

/** A list of the vault, and how its items are printed. */
export interface Listing<Item> {
  /** `tenants` */
  readonly noun: string;
  readonly read: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<ListedPage<Item>>;
  readonly head: readonly string[];
  readonly rows: (item: Item) => readonly (readonly string[])[];
  /** For programs: one JSON object in each line. */
  readonly json: (item: Item) => readonly string[];
}

const LARGEST_PAGE = 1_000;
const PROGRESS_EVERY: Duration = 5_000;

/**
 * Prints a list page by page, in constant memory, and returns the exit code. A list that ends early says how to continue:
 * page tokens stay valid after a restart and on every replica.
 */
export async function printPages<Item>(
  { noun, read, head, rows, json }: Listing<Item>,
  flags: ListFlags,
  { stdout, stderr }: CommandStreams,
): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY } = flags;
  const say = (text: string) => stderr.write(`${text}\n`);
  const table = createTable(head, widthOf(stdout));
  const interruption = listenForInterruption();
  let waitsFor: string | undefined;
  const { retry, now } = createPatience(interruption, ({ reason }) => {
    if (reason !== waitsFor) say(`Waiting for the vault (${printable(reason)})`);
    waitsFor = reason;
  });
  let [pageToken, count, left, reported] = [flags.pageToken ?? '', 0, 0, now()];
  try {
    do {
      const page = await retry(() => read({ pageSize: Math.min(limit - count, LARGEST_PAGE), pageToken }));
      const { items, unreachable = [] } = page;
      const lines = flags.json ? items.flatMap(json) : items.length === 0 ? [] : table(items.flatMap(rows).map(cells));
      await writeLines(stdout, lines);
      for (const name of unreachable) say(`Left out, because its stored row is damaged: ${printable(name)}`);
      left += unreachable.length;
      count += items.length;
      pageToken = page.nextPageToken;
      if (stdout.isTTY !== true && now() - reported > PROGRESS_EVERY) {
        reported = now();
        say(`${count.toLocaleString('en')} ${noun}`);
      }
    } while (pageToken !== '' && count < limit);
  } catch (error) {
    if (count > 0) say(`Incomplete: ${count.toLocaleString('en')} ${noun}. Continue with --page-token ${pageToken}`);
    if (error instanceof Interrupted) throw new CommandError(interruption.exitCode, 'Interrupted.');
    throw error;
  } finally {
    interruption.stopListening();
  }
  if (count === 0 && !flags.json) say(`No ${noun}.`);
  if (pageToken !== '') say(`More follow. Continue with --page-token ${pageToken}`);
  return left > 0 ? EXIT.DATA : EXIT.OK;
}

function cells(row: readonly string[]): readonly string[] {
  return row.map(printable);
}
