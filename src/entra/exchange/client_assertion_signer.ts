import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../../model/clock.ts';
import { Secret } from '../../model/secret.ts';
import { ASSERTION_LIFETIME, assertionClaims } from './client_assertion_claims.ts';

export interface CertificateAssertionRequest {
  readonly credentialUid: string;
  readonly clientId: string;
  /** The audience. */
  readonly tokenEndpoint: string;
  /** PEM, the leaf first. */
  readonly certificateChain: string;
  readonly privateKey: Secret;
}

/** Entra's clock may be ahead, and the request takes time. */
const RENEW_BEFORE_EXPIRY: Duration = 2 * MINUTE;

/**
 * Signs client assertions (RFC 7523) in the thread pool, and caches them until shortly before they expire. MSAL signs
 * on the event loop, and again for each directory.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
export function createCertificateAssertions(clock: Clock): (request: CertificateAssertionRequest) => Promise<Secret> {
  const cache = createBoundedCache<string, { assertion: Promise<Secret>; signTime: Timestamp }>(10_000);
  return (request) => {
    const now = clock.now();
    const key = `${request.credentialUid} ${request.tokenEndpoint}`;
    const found = cache.get(key);
    const isFresh = found !== undefined && elapsedSince(found.signTime, now) < ASSERTION_LIFETIME - RENEW_BEFORE_EXPIRY;
    if (isFresh) return found.assertion;
    const signed = { assertion: signAssertion(request, now), signTime: now };
    cache.set(key, signed);
    // Only the current callers get a failure; the next caller tries again.
    signed.assertion.catch(() => cache.get(key) === signed && cache.delete(key));
    return signed.assertion;
  };
}

async function signAssertion(
  { privateKey, certificateChain: certificate, ...subject }: CertificateAssertionRequest,
  now: Timestamp,
): Promise<Secret> {
  const key = createPrivateKey(privateKey.reveal());
  const { header, claims } = assertionClaims({ ...subject, certificate }, now);
  return new Secret(await new SignJWT(claims).setProtectedHeader(header).sign(key));
}
