import type { AccessToken } from './access_token.ts';
import { isRetryable, withRetries } from './retry.ts';
import type { RequestToken } from './token_cache.ts';
import type { TokenRequest } from './token_request.ts';
import { TokenVaultError } from './token_vault_error.ts';

/** Sends one batch. A result for each request, in order. */
export type SendBatch = (
  requests: readonly TokenRequest[],
  timeout: number,
) => Promise<readonly (AccessToken | TokenVaultError)[]>;

interface Waiting {
  readonly request: TokenRequest;
  readonly resolve: (token: AccessToken) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_REQUESTS = 100;
/** Bytes of a batch, below the 64 KiB of a request to the vault. */
const MOST_BYTES = 60_000;
/** Milliseconds that a timer may fire early. */
const TIMER_ERROR = 2;
/** More would be answers that the vault has to buffer for this connection. */
const MOST_BATCHES = 4;

/**
 * Sends the requests of one turn of the event loop as batches. Requests whose errors a retry can remove are repeated
 * together, without the others.
 */
export function createTokenBatch(
  send: SendBatch,
  timeouts: { readonly retried: number; readonly once: number },
): RequestToken<TokenRequest> {
  const waiting = { retried: [] as Waiting[], once: [] as Waiting[] };

  async function flush(kind: keyof typeof waiting): Promise<void> {
    const all = waiting[kind].splice(0);
    const next = async () => {
      for (let chunk = takeChunk(all); chunk.length > 0; chunk = takeChunk(all))
        await (kind === 'once' ? sendOnce(chunk, timeouts.once) : sendUntilAnswered(chunk));
    };
    await Promise.all(Array.from({ length: MOST_BATCHES }, next));
  }

  async function sendOnce(chunk: readonly Waiting[], timeout: number): Promise<void> {
    try {
      const results = await send(
        chunk.map(({ request }) => request),
        timeout,
      );
      for (const [at, one] of chunk.entries()) settle(one, results[at]);
    } catch (error) {
      for (const { reject } of chunk) reject(error);
    }
  }

  async function sendUntilAnswered(chunk: readonly Waiting[]): Promise<void> {
    let left = chunk;
    /** Of requests that can be repeated, from `dueTime` (monotonic) on. */
    const failures = new Map<Waiting, { readonly error: TokenVaultError; readonly dueTime: number }>();
    try {
      await withRetries(timeouts.retried, async (timeLeft) => {
        const now = performance.now() + TIMER_ERROR;
        const due = left.filter((one) => (failures.get(one)?.dueTime ?? now) <= now);
        for (const one of due) failures.delete(one);
        const results = await send(
          due.map(({ request }) => request),
          timeLeft,
        );
        for (const [at, one] of due.entries()) {
          const result = results[at];
          if (mayRetry(result))
            failures.set(one, { error: result, dueTime: performance.now() + (result.retryAfter ?? 0) });
          else settle(one, result);
        }
        left = left.filter((one) => failures.has(one));
        const [soonest] = [...failures.values()].sort((one, other) => one.dueTime - other.dueTime);
        if (soonest !== undefined) throw soonest.error;
      });
    } catch (error) {
      for (const one of left) one.reject(failures.get(one)?.error ?? error);
    }
  }

  return (request, { once }) => {
    const kind = once ? 'once' : 'retried';
    return new Promise((resolve, reject) => {
      waiting[kind].push({ request, resolve, reject });
      if (waiting[kind].length === 1) queueMicrotask(() => void flush(kind));
    });
  };
}

/** At least one, if there is one. */
function takeChunk(all: Waiting[]): Waiting[] {
  let bytes = 0;
  const end = all.findIndex(({ request }, at) => {
    bytes += sizeOf(request);
    return at === MOST_REQUESTS || (at > 0 && bytes > MOST_BYTES);
  });
  return all.splice(0, end === -1 ? all.length : end);
}

/** At least as many bytes as the request takes in a batch. */
function sizeOf({ connection, scopes = [] }: TokenRequest): number {
  const overhead = 16;
  return [connection, ...scopes].reduce((sum, text) => sum + Buffer.byteLength(text) + overhead, overhead);
}

function settle({ resolve, reject }: Waiting, result: AccessToken | TokenVaultError | undefined): void {
  if (result === undefined) reject(new TypeError('The vault sent no result for a request of a batch.'));
  else if (result instanceof TokenVaultError) reject(result);
  else resolve(result);
}

function mayRetry(result: AccessToken | TokenVaultError | undefined): result is TokenVaultError {
  return result instanceof TokenVaultError && isRetryable(result);
}
