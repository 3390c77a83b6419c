import { hash } from 'node:crypto';
import type { Caller, KnownCallers, KnownKey } from '../../model/authenticated_caller.ts';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

/** `tv1_<id>_<32 random bytes, base64url>` */
const API_KEY = /^Bearer (tv1_([a-z][a-z0-9-]{0,62})_[A-Za-z0-9_-]{43})$/i;

/** For logs: the id in a rejected key. Undefined unless the header has the form of a key. */
export function claimedKeyId(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : API_KEY.exec(authorization)?.[2]?.toLowerCase();
}

const MAX_CACHED = 10_000;

/** Callers by API key in the `authorization` header. A key is hashed at its first use, and cached. */
export function createKeyAuthenticator(source: { readonly current: Pick<KnownCallers, 'keys'> }, clock: Clock) {
  const cached = createBoundedCache<string, KnownKey>(MAX_CACHED);
  let used: Pick<KnownCallers, 'keys'> | undefined;
  let byHash: ReadonlyMap<string, KnownKey> = new Map();

  function use(callers: Pick<KnownCallers, 'keys'>): void {
    used = callers;
    byHash = new Map(callers.keys.map((key) => [key.sha256, key]));
    cached.clear();
  }

  function find(authorization: string): KnownKey | undefined {
    const key = API_KEY.exec(authorization)?.[1];
    const known = key === undefined ? undefined : byHash.get(hash('sha256', key, 'hex'));
    if (known === undefined) return undefined;
    cached.set(authorization, known);
    return known;
  }

  return {
    /** UNAUTHENTICATED */
    authenticate(authorization: string): Caller {
      if (source.current !== used) use(source.current);
      const caller = (cached.get(authorization) ?? find(authorization))?.caller;
      if (caller === undefined || caller.expireTime <= clock.now())
        throw new VaultError(
          'UNAUTHENTICATED',
          'The API key is not valid. Ask the operator of the vault for a valid one.',
        );
      return caller;
    },
  };
}
