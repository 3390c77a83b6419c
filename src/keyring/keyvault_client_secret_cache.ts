import { type Clock, type Duration, elapsedSince, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import type { VaultError } from '../model/errors.ts';
import type { RemoteSecret } from '../model/key_vault_secret_reader_interface.ts';
import type { Log } from '../telemetry/log_events.ts';

export type FetchResult =
  | { readonly kind: 'read'; readonly secret: RemoteSecret }
  /** The source gives no clear response; a cached secret stays in use. */
  | { readonly kind: 'unavailable'; readonly failure: VaultError }
  /** The source has no usable secret. */
  | { readonly kind: 'unusable'; readonly failure: VaultError };

export interface SecretCacheParts {
  /** At most one call at a time for a URI, unless it is invalidated meanwhile. */
  readonly fetch: (uri: string) => Promise<FetchResult>;
  readonly clock: Clock;
  readonly log: Log;
  readonly capacity: number;
}

const FRESH: Duration = HOUR;
const RETRY_AFTER: Duration = MINUTE;
/** A failure is returned without a fetch, so that an exchange with other credentials does not wait. */
const FAILURE_FRESH: Duration = 10 * SECOND;

interface Entry {
  secret: RemoteSecret | undefined;
  /** Why there is no secret. */
  failure: { readonly error: VaultError; readonly time: Timestamp } | undefined;
  /** When the next read starts a fetch in the background. */
  refreshTime: Timestamp;
  /** The next read waits for a fetch. */
  isInvalid: boolean;
  /** Number of invalidations: the result of a fetch that started before the last one is not cached. */
  generation: number;
  /** The last fetch failed, with or without a cached secret to use. */
  isFailing: boolean;
  pending: Promise<RemoteSecret> | undefined;
}

/**
 * In-memory cache of client secrets from a key vault. After an hour a secret is fetched again in the background.
 * While the source is unavailable, the stale secret stays in use (stale-if-error, RFC 5861).
 */
export function createSecretCache({ fetch, clock, log, capacity }: SecretCacheParts) {
  const entries = new Map<string, Entry>();

  /** The entry, as the one used last. */
  function touch(uri: string): Entry {
    const entry: Entry = entries.get(uri) ?? {
      secret: undefined,
      failure: undefined,
      refreshTime: 0,
      isInvalid: false,
      generation: 0,
      isFailing: false,
      pending: undefined,
    };
    entries.delete(uri);
    entries.set(uri, entry);
    const [oldest] = entries.keys();
    if (entries.size > capacity && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  function refresh(uri: string, entry: Entry): Promise<RemoteSecret> {
    if (entry.pending !== undefined) return entry.pending;
    const pending = load(uri, entry).finally(() => {
      if (entry.pending === pending) entry.pending = undefined;
    });
    // In the background no caller awaits it, and a rejection must not count as unhandled.
    pending.catch(() => {});
    entry.pending = pending;
    return pending;
  }

  async function load(uri: string, entry: Entry): Promise<RemoteSecret> {
    const { generation } = entry;
    const result = await fetch(uri);
    const isCurrent = entry.generation === generation;
    if (result.kind === 'read') {
      if (isCurrent) store(uri, entry, result.secret);
      return result.secret;
    }
    if (result.kind === 'unavailable' && entry.secret !== undefined) {
      if (isCurrent) serveStale(uri, entry, result.failure);
      return entry.secret;
    }
    if (isCurrent) fail(uri, entry, result.failure);
    throw result.failure;
  }

  function store(uri: string, entry: Entry, secret: RemoteSecret): void {
    if (entry.isFailing) {
      log.event('info', 'key_vault_secret_recovered', { uri });
    }
    const refreshTime = clock.now() + FRESH;
    Object.assign(entry, { secret, failure: undefined, refreshTime, isInvalid: false, isFailing: false });
  }

  function serveStale(uri: string, entry: Entry, { message, retryAfter = RETRY_AFTER }: VaultError): void {
    if (!entry.isFailing) {
      log.event('warn', 'key_vault_secret_stale', { uri, message });
    }
    const refreshTime = clock.now() + Math.min(retryAfter, FRESH);
    Object.assign(entry, { refreshTime, isInvalid: false, isFailing: true });
  }

  function fail(uri: string, entry: Entry, error: VaultError): void {
    // Logged once, until it can be read or fails for another reason.
    if (entry.failure?.error.message !== error.message) {
      log.event('warn', 'key_vault_secret_unavailable', { uri, message: error.message });
    }
    Object.assign(entry, { secret: undefined, failure: { error, time: clock.now() }, isFailing: true });
  }

  return {
    async read(uri: string): Promise<RemoteSecret> {
      const entry = touch(uri);
      const { failure } = entry;
      const age = failure === undefined ? RETRY_AFTER : elapsedSince(failure.time, clock.now());
      if (failure !== undefined && age < RETRY_AFTER) {
        if (age >= FAILURE_FRESH) refresh(uri, entry);
        throw failure.error;
      }
      if (entry.secret === undefined || entry.isInvalid) return refresh(uri, entry);
      if (clock.now() >= entry.refreshTime) refresh(uri, entry);
      return entry.secret;
    },
    /** The next read waits for the source. True: a secret was cached. */
    invalidate(matches: (uri: string) => boolean): boolean {
      let wasCached = false;
      for (const [uri, entry] of entries) {
        if (!matches(uri)) continue;
        wasCached ||= entry.secret !== undefined;
        const generation = entry.generation + 1;
        Object.assign(entry, { isInvalid: true, failure: undefined, generation, pending: undefined });
      }
      return wasCached;
    },
  };
}
