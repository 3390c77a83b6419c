import type { AppService } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { ConnectionService } from '../../gen/tokenvault/v1/connection_service_pb.ts';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import { waitForAll } from '../../model/wait_for_all.ts';
import { type Client, RpcError } from '../../rpc/grpc_client.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { importRequest } from './build_admin_api_requests.ts';
import type { Report } from './collect_import_results.ts';
import { type Entry, nameOf } from './connection_to_import.ts';
import { createLineIndex } from './duplicate_line_index.ts';
import { nextStepFor } from './next_step_for_error_reason.ts';
import { type Read, type RejectedEntry, rejectedEntry } from './rejected_entry.ts';
import { isDoubtful, type Retry } from './retry_vault_calls.ts';
import type { SecondAttempts } from './second_attempts_for_refused_tokens.ts';

export interface ImportParts {
  readonly connections: Pick<Client<typeof ConnectionService>, 'importConnection'>;
  readonly apps: Pick<Client<typeof AppService>, 'getApp'>;
  readonly retry: Retry;
  readonly secondAttempts: SecondAttempts;
  readonly report: Report;
  readonly verify: 'now' | 'on-first-use';
  /** False: a dry run, which stores nothing and sends no request to Entra. */
  readonly apply: boolean;
  /** Tenants that a dry run would have registered, so that the vault cannot validate their connections. */
  readonly tenantsNotYetRegistered: ReadonlySet<string>;
  /** Client ids of the apps that a dry run would have registered, by name. */
  readonly appsNotYetRegistered: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

/** The vault's concurrent requests to Entra for an app in a directory; and as many as a few commits can share. */
const CONCURRENCY = { now: 8, 'on-first-use': 64 } as const;

/**
 * Sends each entry in its own call, several concurrently, and reads the next one only when a call has completed. Settles when
 * all entries are in the report. Rejects with the error that stops the import, after the calls in progress have completed.
 */
export async function importEntries(entries: AsyncIterable<Read<Entry>>, parts: ImportParts): Promise<void> {
  const { secondAttempts } = parts;
  const send = createSender(parts);
  try {
    await sendAll(withoutDuplicates(entries), send, parts);
    await sendAll(secondAttempts.again(), send, parts);
  } finally {
    await secondAttempts.reportRest();
  }
}

type Send = (read: Read<Entry>) => Promise<void>;

async function sendAll(entries: AsyncIterable<Read<Entry>>, send: Send, parts: ImportParts): Promise<void> {
  const reading = entries[Symbol.asyncIterator]();
  let hasFailed = false;

  async function work(): Promise<void> {
    try {
      while (!hasFailed && !parts.signal.aborted) {
        const next = await reading.next();
        if (next.done === true) return;
        await send(next.value);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  }

  const count = parts.apply ? CONCURRENCY[parts.verify] : CONCURRENCY['on-first-use'];
  await waitForAll(Array.from({ length: count }, work));
}

/** Rejects the second line with the same connection or external id, which belongs to one connection of a tenant. */
async function* withoutDuplicates(entries: AsyncIterable<Read<Entry>>): AsyncGenerator<Read<Entry>> {
  const connections = createLineIndex();
  const externalIds = createLineIndex();
  const nextStep = 'Decide which of the two lines is right, and remove the other one.';
  for await (const read of entries) {
    if ('thing' in read) {
      const { line, thing } = read;
      const { tenantId, externalId } = thing;
      const same = connections.claim(nameOf(thing), line);
      const holder =
        same === undefined && externalId !== undefined ? externalIds.claim(`${tenantId}/${externalId}`, line) : same;
      if (holder !== undefined) {
        const why = `line ${holder} has the same ${same === undefined ? 'external_id' : 'connection'}`;
        yield { rejected: rejectedEntry({ line, what: nameOf(thing), reason: 'DUPLICATE', why, nextStep }) };
        continue;
      }
    }
    yield read;
  }
}

const MAX_CACHED_APPS = 10_000;

function createSender(parts: ImportParts): Send {
  const { connections, apps, retry, secondAttempts, report, verify, apply } = parts;
  const clientIds = createBoundedCache<string, Promise<string>>(MAX_CACHED_APPS);

  /** Cached; rejects as GetApp does. */
  function clientIdOf(name: string): Promise<string> {
    const known = parts.appsNotYetRegistered.get(name) ?? clientIds.get(name);
    if (known !== undefined) return Promise.resolve(known);
    const clientId = retry(() => apps.getApp({ name })).then(({ app }) => app?.clientId.toLowerCase() ?? '');
    clientIds.set(name, clientId);
    return clientId;
  }

  async function foreignClientId(entry: Entry, line: number): Promise<RejectedEntry | undefined> {
    if (entry.clientId === undefined) return undefined;
    const app = entry.app ?? `tenants/${entry.tenantId}/apps/default`;
    const clientId = await clientIdOf(app);
    if (clientId === entry.clientId) return undefined;
    return rejectedEntry({
      line,
      what: nameOf(entry),
      reason: 'FOREIGN_CLIENT_ID',
      why: `foreign client id: ${entry.clientId}, but ${app} has ${clientId}`,
      nextStep:
        'Name the app with that client id (app in the line), or create it first: Entra binds refresh tokens to it.',
    });
  }

  return async (read) => {
    if ('rejected' in read) return report.reject('connection', read.rejected);
    const { thing: entry, line } = read;
    try {
      const foreign = await foreignClientId(entry, line);
      if (foreign !== undefined) return await report.reject('connection', foreign);
      if (!parts.tenantsNotYetRegistered.has(entry.tenantId)) {
        const request = importRequest(entry, { verify, validateOnly: !apply });
        await retry(() => connections.importConnection(request));
      }
      report.imported('connection');
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const { reason, metadata } = error;
      // With a field, another connection has the external id.
      if (reason === 'CONNECTION_EXISTS' && metadata['field'] === undefined) return report.alreadyThere('connection');
      if (isDoubtful(error)) return secondAttempts.add(read, error);
      if (reason === 'UNAUTHENTICATED') throw new CommandError(EXIT.NO_PERMISSION, messageOf(error));
      const rejection = { line, what: nameOf(entry), reason, why: messageOf(error), nextStep: nextStepFor(reason) };
      await report.reject('connection', { outcome: 'REFUSED', ...rejection });
    }
  };
}
