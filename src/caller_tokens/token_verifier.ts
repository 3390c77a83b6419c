import { compactVerify, errors } from 'jose';
import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, SECOND, type Timestamp } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { type TokenFault, tokenRefused } from '../model/presented_token_fault.ts';
import type { TokenIssuer } from '../model/token_issuer.ts';
import { endOf, tokenClaimsFault } from './check_token_claims.ts';
import { findTokenSubject } from './find_token_subject.ts';
import type { IssuerKey } from './parse_jwks.ts';
import { type PresentedToken, parsePresentedToken } from './parse_presented_token.ts';
import { createSignatureQueue } from './signature_queue.ts';
import type { OpenIssuer, TokenIssuers } from './token_issuers.ts';

/** Verifies JWT bearer tokens (RFC 7519, and the recommendations of RFC 8725). */
export interface TokenVerifier {
  /**
   * UNAUTHENTICATED; KEY_SOURCE_UNAVAILABLE if the keys of the issuer cannot be read. `connection`: address and port of
   * the peer.
   */
  verify(text: string, connection: string): Promise<VerifiedToken>;
  /** Why a token that was verified is not valid any more; undefined: it still is. */
  faultOf(token: VerifiedToken): TokenFault | undefined;
}

export interface VerifiedToken {
  readonly issuer: TokenIssuer;
  readonly issuerName: string;
  /** A service account, the client id of an app, or a SPIFFE id. */
  readonly subject: string;
  /** `exp` */
  readonly expireTime: Timestamp;
  /** It is refused from then on: `exp`, and the tolerated difference of clocks. */
  readonly endTime: Timestamp;
  readonly keyId: string;
  /** Of the key that verified it. */
  readonly fingerprint: string;
}

/**
 * Remembered tokens with invalid signatures, because the limits of connections and then the call verify the same token.
 * At 8 KiB a token, 8 MiB at most.
 */
const MAX_FORGED = 1_000;

export function createTokenVerifier(issuers: Pick<TokenIssuers, 'find'>, clock: Clock): TokenVerifier {
  const signatures = createSignatureQueue();
  const forged = createBoundedCache<string, IssuerKey>(MAX_FORGED);

  async function verifySignature({ text, algorithm }: PresentedToken, key: IssuerKey, connection: string) {
    if (forged.get(text) === key) throw tokenRefused('signature');
    try {
      await signatures.run(connection, () => compactVerify(text, key.jwk, { algorithms: [algorithm] }));
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) forged.set(text, key);
      // Also a key of another type than the algorithm needs, or an RSA key below 2,048 bits.
      throw tokenRefused('signature');
    }
  }

  /** What costs little comes first, so that a forged token costs a signature only if all else of it is right. */
  async function verify(text: string, connection: string): Promise<VerifiedToken> {
    const token = parsePresentedToken(text);
    if (typeof token === 'string') throw tokenRefused(token);
    const { issuerName, algorithm, claims } = token;
    const open = issuerName === undefined ? undefined : issuers.find(issuerName);
    if (issuerName === undefined || open === undefined) throw tokenRefused('issuer');
    const { issuer } = open;
    if (!issuer.algorithms.some((allowed) => allowed === algorithm)) throw tokenRefused('algorithm');
    const fault = tokenClaimsFault(claims, issuer, clock.now());
    if (fault !== undefined) throw tokenRefused(fault);
    const key = open.keys.find(token.keyId) ?? (await readKey(open, token));
    await verifySignature(token, key, connection);
    const found = findTokenSubject(claims, issuer);
    if ('fault' in found) throw tokenRefused(found.fault);
    const { exp = 0 } = claims;
    return {
      issuer,
      issuerName,
      subject: found.subject,
      expireTime: exp * SECOND,
      endTime: endOf(exp),
      keyId: token.keyId,
      fingerprint: key.fingerprint,
    };
  }

  return {
    verify,
    faultOf({ issuer, issuerName, endTime, keyId, fingerprint }) {
      if (endTime <= clock.now()) return 'expired';
      const open = issuers.find(issuerName);
      if (open?.issuer !== issuer) return 'issuer';
      return open.keys.find(keyId)?.fingerprint === fingerprint ? undefined : 'key';
    },
  };
}

async function readKey({ issuer, keys }: OpenIssuer, { keyId }: PresentedToken): Promise<IssuerKey> {
  await keys.read();
  const key = keys.find(keyId);
  if (key !== undefined) return key;
  // The key may be one that could not be read, so the client should try again.
  if (keys.fault !== undefined || !keys.isKnown) throw keysUnavailable(issuer);
  throw tokenRefused('key');
}

function keysUnavailable({ id }: TokenIssuer): VaultError {
  const message = `The keys of the token issuer ${id} cannot be read now, so the token cannot be verified. Retry later.`;
  return new VaultError('KEY_SOURCE_UNAVAILABLE', message, { retryAfter: RETRY_AFTER });
}

const RETRY_AFTER = 5 * SECOND;
