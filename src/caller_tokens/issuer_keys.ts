import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { JwksLoader } from './load_jwks.ts';
import { type IssuerKey, type KeysById, parseJwks } from './parse_jwks.ts';

/** The public keys of one issuer, in memory. The last good ones are kept while its JWK set cannot be read. */
export interface IssuerKeys {
  find(keyId: string): IssuerKey | undefined;
  /**
   * For a key that is not known: reads the JWK set, or joins the reading in progress. At most one begins in 30 seconds, for
   * whatever reason; undefined: it is too early.
   */
  read(): Promise<void> | undefined;
  /** Whether keys were read since the start. */
  readonly isKnown: boolean;
  /** Why the last reading failed; undefined: it did not. */
  readonly fault: string | undefined;
  close(): void;
}

export interface IssuerKeysListener {
  /** Keys that were in use are no longer in the set. */
  onRemoved(): void;
  /** The first failure after a success. */
  onFailed(message: string): void;
  /** The first success, and the first after a failure. */
  onLoaded(keys: number): void;
}

/** Between the begins of two readings. Anybody can send tokens with unknown keys. */
const MIN_INTERVAL: Duration = 30 * SECOND;
const CHECK_PERIOD: Duration = 5 * SECOND;

/** Starts the first reading, and does not wait for it. */
export function createIssuerKeys(parts: {
  readonly loader: JwksLoader;
  readonly listener: IssuerKeysListener;
  readonly clock: Clock;
  readonly every: Every;
}): IssuerKeys {
  const { loader, listener } = parts;
  const monotonic = () => parts.clock.monotonic?.() ?? performance.now();
  const closing = new AbortController();
  let keys: KeysById | undefined;
  let fault: string | undefined;
  let beginTime = Number.NEGATIVE_INFINITY;
  let isReading = false;

  function use(next: KeysById): void {
    const used = keys;
    keys = next;
    if (used === undefined || fault !== undefined) listener.onLoaded(next.size);
    fault = undefined;
    const isRemoved = ([id, { fingerprint }]: [string, IssuerKey]) => next.get(id)?.fingerprint !== fingerprint;
    if (used !== undefined && [...used].some(isRemoved)) listener.onRemoved();
  }

  function fail(message: string): void {
    if (fault === undefined) listener.onFailed(message);
    fault = message;
  }

  const readOnce = runOnceAtATime(async () => {
    beginTime = monotonic();
    isReading = true;
    try {
      const next = parseJwks(await loader.load(closing.signal));
      if (closing.signal.aborted) return;
      if (next === undefined) fail('Its JWK set has no key that can verify a token. Check its address.');
      else use(next);
    } catch (error) {
      if (!closing.signal.aborted)
        fail(isVaultError(error) ? error.message : 'Its JWK set cannot be read. Check its address.');
    } finally {
      isReading = false;
    }
  });

  function read(): Promise<void> | undefined {
    return isReading || monotonic() - beginTime >= MIN_INTERVAL ? readOnce() : undefined;
  }

  const stop = parts.every(CHECK_PERIOD, () => {
    const period = fault === undefined ? loader.period : MIN_INTERVAL;
    if (monotonic() - beginTime >= period) void read();
  });
  void read();

  return {
    find: (keyId) => keys?.get(keyId),
    read,
    get isKnown() {
      return keys !== undefined;
    },
    get fault() {
      return fault;
    },
    close() {
      stop();
      closing.abort();
    },
  };
}
