import type { ConnectionService } from '../../gen/tokenvault/v1/connection_service_pb.ts';
import { type Client, RpcError } from '../../rpc/client.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { ClientIds } from './client_ids.ts';
import { createDuplicates } from './duplicates.ts';
import { type Entry, nameOf } from './entry.ts';
import { nextStepFor } from './next_step.ts';
import type { Read, RejectedEntry } from './rejected_entry.ts';
import type { SecondAttempts } from './rejected_lines_file.ts';
import type { Report } from './report.ts';
import { importRequest } from './requests.ts';
import { isDoubtful, type Retry } from './retry.ts';

export interface ImportParts {
  readonly connections: Pick<Client<typeof ConnectionService>, 'importConnection'>;
  readonly clientIds: ClientIds;
  readonly retry: Retry;
  readonly secondAttempts: SecondAttempts;
  readonly report: Report;
  readonly verify: 'now' | 'on-first-use';
  /** False: a dry run, which stores nothing and asks Entra nothing. */
  readonly apply: boolean;
  /** In a dry run: tenants that this import would register first, and so cannot be asked about. */
  readonly unborn: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** As many as the vault lets ask Entra at once for an app in a directory; and as many as share a few commits. */
const IN_FLIGHT = { now: 8, 'on-first-use': 64 } as const;

/**
 * Sends each entry by itself, so that nothing is ever half imported; some at once, and reads on only when one is done.
 * Settles when all are told in the report, or rejects with what ends the run, after what was under way is done.
 */
export async function importEntries(entries: AsyncIterable<Read<Entry>>, parts: ImportParts): Promise<void> {
  const { secondAttempts } = parts;
  try {
    await importAll(withoutDuplicates(entries), parts);
    await importAll(secondAttempts.again(), parts);
  } finally {
    await secondAttempts.reportRest();
  }
}

async function importAll(entries: AsyncIterable<Read<Entry>>, parts: ImportParts): Promise<void> {
  const reading = entries[Symbol.asyncIterator]();
  let ended = false;

  async function work(): Promise<void> {
    try {
      while (!ended && !parts.signal.aborted) {
        const next = await reading.next();
        if (next.done === true) return;
        await importOne(next.value, parts);
      }
    } catch (error) {
      ended = true;
      throw error;
    }
  }

  const count = parts.apply ? IN_FLIGHT[parts.verify] : IN_FLIGHT['on-first-use'];
  const results = await Promise.allSettled(Array.from({ length: count }, work));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function* withoutDuplicates(entries: AsyncIterable<Read<Entry>>): AsyncGenerator<Read<Entry>> {
  const duplicates = createDuplicates();
  for await (const read of entries) {
    const leftOut = 'leftOut' in read ? undefined : duplicates.find(read.thing, read.line);
    yield leftOut === undefined ? read : { leftOut };
  }
}

async function importOne(read: Read<Entry>, parts: ImportParts): Promise<void> {
  const { connections, retry, secondAttempts, report, verify, apply, unborn } = parts;
  if ('leftOut' in read) return report.leaveOut('connection', read.leftOut);
  const { thing: entry, line } = read;
  try {
    const foreign = await foreignClientId(entry, line, parts);
    if (foreign !== undefined) return await report.leaveOut('connection', foreign);
    if (!unborn.has(entry.tenantId)) {
      const request = importRequest(entry, { verify, validateOnly: !apply });
      await retry.until(() => connections.importConnection(request));
    }
    report.imported('connection');
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (isAlreadyThere(error)) return report.alreadyThere('connection');
    if (isDoubtful(error)) return secondAttempts.add(read, error);
    if (error.reason === 'UNAUTHENTICATED') throw new CommandError(EXIT.NO_PERMISSION, messageOf(error));
    await report.leaveOut('connection', refused(entry, line, error.reason, messageOf(error)));
  }
}

async function foreignClientId(
  entry: Entry,
  line: number,
  { clientIds }: ImportParts,
): Promise<RejectedEntry | undefined> {
  if (entry.clientId === undefined) return undefined;
  const app = entry.app ?? `tenants/${entry.tenantId}/apps/default`;
  const own = await clientIds.of(app);
  if (own === entry.clientId) return undefined;
  return {
    ...refused(entry, line, 'FOREIGN_CLIENT_ID', `foreign client id: ${entry.clientId}, where ${app} is ${own}`),
    nextStep:
      'Name the app with that client id (app in the line), or create it first: Entra binds refresh tokens to it.',
  };
}

/** That one has the connection's external id is another matter. */
function isAlreadyThere({ reason, metadata }: RpcError): boolean {
  return reason === 'CONNECTION_EXISTS' && metadata['field'] === undefined;
}

function refused(entry: Entry, line: number, reason: string, why: string): RejectedEntry {
  return { outcome: 'REFUSED', line, what: nameOf(entry), reason, why, nextStep: nextStepFor(reason) };
}
