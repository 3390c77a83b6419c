import { type Clock, type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import type { VaultError } from '../model/errors.ts';
import type { RemoteSecret } from '../model/secret_source.ts';
import type { Log } from '../telemetry/log.ts';

export interface SecretCache {
  read(uri: string): Promise<RemoteSecret>;
  /** Who reads next waits for the source. True: one of them was known. */
  invalidate(matches: (uri: string) => boolean): boolean;
}

/** What the source answers. */
export type FetchResult =
  | { readonly kind: 'read'; readonly secret: RemoteSecret }
  /** Nobody knows; what was known serves. */
  | { readonly kind: 'unavailable'; readonly failure: VaultError }
  /** It is known that there is none. */
  | { readonly kind: 'unusable'; readonly failure: VaultError };

export interface SecretCacheParts {
  /** Asked once at a time for an address, unless it is doubted meanwhile. */
  readonly fetch: (uri: string) => Promise<FetchResult>;
  readonly clock: Clock;
  readonly log: Log;
  readonly capacity: number;
}

const FRESH: Duration = HOUR;
const PAUSE: Duration = MINUTE;
/** For what was never read: an exchange that another credential can serve does not wait for a key vault that hangs. */
const REST: Duration = 10 * SECOND;

interface Kept {
  secret: RemoteSecret | undefined;
  /** Why there is none. */
  failure: { readonly error: VaultError; readonly time: Timestamp } | undefined;
  /** When the source is asked again. */
  dueTime: Timestamp;
  doubted: boolean;
  /** Grows with each doubt: what was asked before it answers nothing. */
  doubts: number;
  /** The source did not answer last time. */
  away: boolean;
  flight: Promise<RemoteSecret> | undefined;
}

/** Memory alone; the source is asked again after an hour, in the background, while the old one serves. */
export function createSecretCache({ fetch: find, clock, log, capacity }: SecretCacheParts): SecretCache {
  const secrets = new Map<string, Kept>();

  function touch(uri: string): Kept {
    const kept: Kept = secrets.get(uri) ?? {
      secret: undefined,
      failure: undefined,
      dueTime: 0,
      doubted: false,
      doubts: 0,
      away: false,
      flight: undefined,
    };
    secrets.delete(uri);
    secrets.set(uri, kept);
    for (const oldest of secrets.keys()) {
      if (secrets.size <= capacity) break;
      secrets.delete(oldest);
    }
    return kept;
  }

  function ask(uri: string, kept: Kept): Promise<RemoteSecret> {
    if (kept.flight !== undefined) return kept.flight;
    const flight = fly(uri, kept).finally(() => {
      if (kept.flight === flight) kept.flight = undefined;
    });
    // In the background nobody waits for it, and it must not count as unhandled.
    flight.catch(() => {});
    kept.flight = flight;
    return flight;
  }

  async function fly(uri: string, kept: Kept): Promise<RemoteSecret> {
    const { doubts } = kept;
    const found = await find(uri);
    const isCurrent = kept.doubts === doubts;
    switch (found.kind) {
      case 'read':
        if (isCurrent) keep(uri, kept, found.secret);
        return found.secret;
      case 'unavailable':
        if (kept.secret === undefined) {
          if (isCurrent) fail(kept, found.failure);
          throw found.failure;
        }
        if (isCurrent) bridge(uri, kept, found.failure);
        return kept.secret;
      case 'unusable':
        if (isCurrent) fail(kept, found.failure);
        throw found.failure;
    }
  }

  function keep(uri: string, kept: Kept, secret: RemoteSecret): void {
    if (kept.away || kept.failure !== undefined)
      log.event('info', 'warning', { topic: 'key_vault', message: `${uri} can be read again` });
    Object.assign(kept, { secret, failure: undefined, dueTime: clock.now() + FRESH, doubted: false, away: false });
  }

  function bridge(uri: string, kept: Kept, { message, retryAfter = PAUSE }: VaultError): void {
    if (!kept.away) {
      const tells = `${uri} cannot be read anew, and serves as it was read last: ${message}`;
      log.event('warn', 'warning', { topic: 'key_vault', message: tells });
    }
    Object.assign(kept, { dueTime: clock.now() + Math.min(retryAfter, FRESH), doubted: false, away: true });
  }

  function fail(kept: Kept, error: VaultError): void {
    // Once, until it can be read or fails for something else.
    if (kept.failure?.error.message !== error.message) {
      log.event('warn', 'warning', { topic: 'key_vault', message: error.message });
    }
    Object.assign(kept, { secret: undefined, failure: { error, time: clock.now() }, away: false });
  }

  return {
    async read(uri) {
      const kept = touch(uri);
      const { failure } = kept;
      const age = failure === undefined ? PAUSE : Math.abs(clock.now() - failure.time);
      if (failure !== undefined && age < PAUSE) {
        if (age >= REST) ask(uri, kept);
        throw failure.error;
      }
      if (kept.secret === undefined || kept.doubted) return ask(uri, kept);
      if (clock.now() >= kept.dueTime) ask(uri, kept);
      return kept.secret;
    },
    invalidate(matches) {
      let known = false;
      for (const [uri, kept] of secrets) {
        if (!matches(uri)) continue;
        known ||= kept.secret !== undefined;
        kept.doubted = true;
        kept.failure = undefined;
        kept.doubts += 1;
        kept.flight = undefined;
      }
      return known;
    },
  };
}
