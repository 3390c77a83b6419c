import { hash } from 'node:crypto';
import type { Caller, KnownKey } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

export interface Authenticator {
  /** Of the `authorization` header. Throws UNAUTHENTICATED: what is presented but invalid never falls through. */
  authenticate(authorization: string | undefined): Caller;
}

/** `tv1_<id>_<32 random bytes, base64url>` */
const API_KEY = /^Bearer (tv1_([a-z][a-z0-9-]{0,62})_[A-Za-z0-9_-]{43})$/i;

/** For logs: the id in a key that is not accepted. Undefined unless the whole text has the form of a key. */
export function claimedKeyId(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : API_KEY.exec(authorization)?.[2]?.toLowerCase();
}

const REMEMBERED = 10_000;

/** Callers by API key. A key is hashed when it is first seen and remembered until its end. */
export function createKeyAuthenticator(keys: readonly KnownKey[], clock: Clock): Authenticator {
  const byHash = new Map(keys.map((key) => [key.sha256, key]));
  const remembered = new Map<string, KnownKey>();

  return {
    authenticate(authorization) {
      const known = authorization === undefined ? undefined : (remembered.get(authorization) ?? look(authorization));
      if (known === undefined) throw unauthenticated(authorization);
      if (known.expireTime !== undefined && known.expireTime <= clock.now()) throw unauthenticated(authorization);
      return known.caller;
    },
  };

  function look(authorization: string): KnownKey | undefined {
    const key = API_KEY.exec(authorization)?.[1];
    const known = key === undefined ? undefined : byHash.get(hash('sha256', key, 'hex'));
    if (known === undefined) return undefined;
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(authorization, known);
    return known;
  }
}

/** Without a callers file whoever reaches the loopback listener may do everything. */
export function createLoopbackAuthenticator(): Authenticator {
  const caller: Caller = {
    id: 'loopback',
    kind: 'loopback',
    credentialId: 'none',
    rules: [
      { id: 'loopback', role: 'operator', tenants: ['*'] },
      { id: 'loopback', role: 'connector', tenants: ['*'] },
      { id: 'loopback', role: 'token_reader', tenants: ['*'] },
    ],
  };
  return {
    authenticate(authorization) {
      if (authorization !== undefined) throw unauthenticated(authorization, 'no callers file is configured');
      return caller;
    },
  };
}

function unauthenticated(authorization: string | undefined, why?: string): VaultError {
  const message =
    authorization === undefined
      ? 'No API key came with the call; send it as `authorization: Bearer tv1_…`'
      : `The API key is not accepted${why === undefined ? '' : `: ${why}`}; ask the operator for one that is`;
  return new VaultError('UNAUTHENTICATED', message);
}
