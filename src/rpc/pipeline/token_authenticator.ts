import type { TokenIssuers } from '../../caller_tokens/token_issuers.ts';
import { createTokenVerifier, type VerifiedToken } from '../../caller_tokens/token_verifier.ts';
import type { Caller, KnownCallers, KnownToken } from '../../model/authenticated_caller.ts';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, MINUTE, type Timestamp } from '../../model/clock.ts';
import { tokenRefused } from '../../model/presented_token_fault.ts';
import { createSingleFlight } from '../../model/single_flight.ts';

type Tokens = Pick<KnownCallers, 'tokens'>;

/** A token that was verified, until it is verified again. */
interface AcceptedToken {
  readonly authorization: string;
  readonly caller: Caller;
  readonly untilTime: Timestamp;
}

const REMEMBERED: Duration = 5 * MINUTE;
const MAX_REMEMBERED = 10_000;
/** Characters at the end of a token, which belong to its signature. To hash the whole token costs three times as much. */
const INDEXED = 43;

/** Whether the `authorization` header has the form of one with a JWT. An API key has no dot. */
export function hasToken(authorization: string): boolean {
  return /^Bearer (?!tv1_)[\w-]+\./i.test(authorization);
}

export function tokenIn(authorization: string): string {
  return authorization.slice('Bearer '.length);
}

/**
 * Callers by JWT bearer token in the `authorization` header. A token is verified at its first use, and remembered, so that
 * it then costs as little as an API key. Only valid tokens are remembered.
 */
export function createTokenAuthenticator(
  source: { readonly current: Tokens },
  issuers: Pick<TokenIssuers, 'find' | 'onKeysRemoved'>,
  clock: Clock,
) {
  const verifier = createTokenVerifier(issuers, clock);
  const accepted = createBoundedCache<string, AcceptedToken>(MAX_REMEMBERED);
  const tokenOf = new WeakMap<Caller, VerifiedToken>();
  const verifications = createSingleFlight<Caller>();
  let used: Tokens | undefined;
  let bySubject: ReadonlyMap<string, KnownToken> = new Map();
  issuers.onKeysRemoved(() => accepted.clear());

  function useCurrent(): void {
    if (source.current === used) return;
    used = source.current;
    bySubject = new Map(used.tokens.map((known) => [subjectKey(known.issuerId, known.subject), known]));
    accepted.clear();
  }

  /** The caller of a token, by the callers file as it is now. */
  function callerOf(token: VerifiedToken): Caller {
    const fault = verifier.faultOf(token);
    if (fault !== undefined) throw tokenRefused(fault);
    const known = bySubject.get(subjectKey(token.issuer.id, token.subject));
    if (known === undefined) throw tokenRefused('caller');
    const caller = { ...known.caller, expireTime: token.expireTime };
    tokenOf.set(caller, token);
    return caller;
  }

  async function verify(authorization: string, connection: string): Promise<Caller> {
    const token = await verifier.verify(tokenIn(authorization), connection);
    // The callers file, or the keys, may have changed meanwhile.
    useCurrent();
    const caller = callerOf(token);
    const untilTime = Math.min(token.endTime, clock.now() + REMEMBERED);
    accepted.set(authorization.slice(-INDEXED), { authorization, caller, untilTime });
    return caller;
  }

  return {
    /** UNAUTHENTICATED, KEY_SOURCE_UNAVAILABLE. A promise if the token is not remembered. */
    authenticate(authorization: string, connection: string): Caller | Promise<Caller> {
      useCurrent();
      const known = accepted.get(authorization.slice(-INDEXED));
      if (known?.authorization === authorization && known.untilTime > clock.now()) return known.caller;
      return verifications.run(authorization, () => verify(authorization, connection));
    },
    /** The caller of a token that was verified for an open call, as things are now. UNAUTHENTICATED. */
    recheck(caller: Caller): Caller | undefined {
      const token = tokenOf.get(caller);
      if (token === undefined) return undefined;
      useCurrent();
      return callerOf(token);
    },
  };
}

function subjectKey(issuerId: string, subject: string): string {
  return `${issuerId} ${subject}`;
}
