import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import { Secret } from '../../model/secret.ts';

export interface CertificateAssertionRequest {
  readonly credentialUid: string;
  readonly clientId: string;
  /** The audience. */
  readonly tokenEndpoint: string;
  /** PEM, the leaf first. */
  readonly certificateChain: string;
  readonly privateKey: Secret;
}

const LIFETIME: Duration = 10 * MINUTE;
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
    const isFresh = found !== undefined && elapsedSince(found.signTime, now) < LIFETIME - RENEW_BEFORE_EXPIRY;
    if (isFresh) return found.assertion;
    const signed = { assertion: signAssertion(request, now), signTime: now };
    cache.set(key, signed);
    // Only the current callers get a failure; the next caller tries again.
    signed.assertion.catch(() => cache.get(key) === signed && cache.delete(key));
    return signed.assertion;
  };
}

async function signAssertion(request: CertificateAssertionRequest, now: Timestamp): Promise<Secret> {
  const key = createPrivateKey(request.privateKey.reveal());
  const { fingerprint256 } = new X509Certificate(request.certificateChain);
  const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  const seconds = Math.floor(now / SECOND);
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
    .setAudience(request.tokenEndpoint)
    .setIssuer(request.clientId)
    .setSubject(request.clientId)
    .setJti(randomUUID())
    .setNotBefore(seconds)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + LIFETIME / SECOND)
    .sign(key);
  return new Secret(assertion);
}
