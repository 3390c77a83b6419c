import { hash } from 'node:crypto';
import { type Caller, type KnownCallers, type KnownKey, ROLES, roleRule } from '../../model/authenticated_caller.ts';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

export interface Authenticator {
  /** By the `authorization` header. UNAUTHENTICATED, also for an invalid header if none is required. */
  authenticate(authorization: string | undefined): Caller;
  /** The callers, one for each credential. */
  known(): readonly KnownCaller[];
  /** Calls `listener` after callers or their rules changed. Returns the function that stops it. */
  listen(listener: () => void): () => void;
}

export interface KnownCaller {
  readonly caller: Caller;
  /** Of the credential. Undefined: none is needed. */
  readonly expireTime: Timestamp | undefined;
}

/** The callers in use, which a change of the callers file replaces. */
export interface CallersSource extends Pick<Authenticator, 'listen'> {
  readonly current: KnownCallers;
}

/** `tv1_<id>_<32 random bytes, base64url>` */
const API_KEY = /^Bearer (tv1_([a-z][a-z0-9-]{0,62})_[A-Za-z0-9_-]{43})$/i;

/** For logs: the id in a rejected key. Undefined unless the header has the form of a key. */
export function claimedKeyId(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : API_KEY.exec(authorization)?.[2]?.toLowerCase();
}

const MAX_CACHED = 10_000;

/** Callers by API key. A key is hashed at its first use, and cached. */
export function createKeyAuthenticator(source: CallersSource, clock: Clock): Authenticator {
  const cached = createBoundedCache<string, KnownKey>(MAX_CACHED);
  let used: KnownCallers | undefined;
  let byHash: ReadonlyMap<string, KnownKey> = new Map();

  function use(callers: KnownCallers): void {
    used = callers;
    byHash = new Map(callers.keys.map((key) => [key.sha256, key]));
    cached.clear();
  }

  return {
    known: () => source.current.keys,
    listen: source.listen,
    authenticate(authorization) {
      if (source.current !== used) use(source.current);
      const known = authorization === undefined ? undefined : (cached.get(authorization) ?? find(authorization));
      if (known === undefined) throw unauthenticated(authorization);
      if (known.expireTime <= clock.now()) throw unauthenticated(authorization);
      return known.caller;
    },
  };

  function find(authorization: string): KnownKey | undefined {
    const key = API_KEY.exec(authorization)?.[1];
    const known = key === undefined ? undefined : byHash.get(hash('sha256', key, 'hex'));
    if (known === undefined) return undefined;
    cached.set(authorization, known);
    return known;
  }
}

/** Without a callers file, every process that reaches the loopback listener has full access. */
export function createLoopbackAuthenticator(): Authenticator {
  const caller: Caller = {
    id: 'loopback',
    kind: 'loopback',
    credentialId: 'none',
    rules: ROLES.map((role) => roleRule('loopback', role, ['*'])),
  };
  return {
    known: () => [{ caller, expireTime: undefined }],
    listen: () => () => {},
    authenticate(authorization) {
      if (authorization !== undefined)
        throw new VaultError(
          'UNAUTHENTICATED',
          'No callers file is configured, so API keys are not accepted. Send none.',
        );
      return caller;
    },
  };
}

function unauthenticated(authorization: string | undefined): VaultError {
  const message =
    authorization === undefined
      ? 'The call has no API key. Send it as `authorization: Bearer tv1_…`.'
      : 'The API key is not valid. Ask the operator of the vault for a valid one.';
  return new VaultError('UNAUTHENTICATED', message);
}
