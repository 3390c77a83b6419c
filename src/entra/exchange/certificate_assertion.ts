import { constants, createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { type Clock, type Duration, elapsedSince, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import { Secret } from '../../model/secret.ts';

export interface CertificateAssertions {
  /** A signed client assertion (RFC 7523), the same one until near its end. */
  get(request: CertificateAssertionRequest): Promise<Secret>;
}

export interface CertificateAssertionRequest {
  readonly credentialUid: string;
  readonly clientId: string;
  /** The audience. */
  readonly tokenEndpoint: string;
  /** PEM, the leaf first. */
  readonly certificateChain: string;
  readonly privateKey: Secret;
}

const LIFE: Duration = 10 * MINUTE;
/** Entra's clock may be ahead, and the request takes its time. */
const RENEW_BEFORE_END: Duration = 2 * MINUTE;
const MOST_KEPT = 10_000;

const signAsync = promisify(sign);

/**
 * MSAL signs on the event loop, again at each change of directory; this signs in the thread pool and keeps what it signed.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
export function createCertificateAssertions(clock: Clock): CertificateAssertions {
  const kept = new Map<string, { assertion: Promise<Secret>; signTime: Timestamp }>();
  return {
    get(request) {
      const now = clock.now();
      const key = `${request.credentialUid} ${request.tokenEndpoint}`;
      const found = kept.get(key);
      if (found !== undefined && elapsedSince(found.signTime, now) < LIFE - RENEW_BEFORE_END) return found.assertion;
      if (kept.size >= MOST_KEPT) kept.clear();
      const made = { assertion: signAssertion(request, now), signTime: now };
      kept.set(key, made);
      // A failure is for those who wait for it; the next one tries again.
      made.assertion.catch(() => kept.get(key) === made && kept.delete(key));
      return made.assertion;
    },
  };
}

async function signAssertion(request: CertificateAssertionRequest, now: Timestamp): Promise<Secret> {
  const key = createPrivateKey(request.privateKey.reveal());
  const leaf = new X509Certificate(request.certificateChain);
  const seconds = Math.floor(now / SECOND);
  const header = {
    alg: 'PS256',
    typ: 'JWT',
    'x5t#S256': Buffer.from(leaf.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
  };
  const claims = {
    aud: request.tokenEndpoint,
    iss: request.clientId,
    sub: request.clientId,
    jti: randomUUID(),
    nbf: seconds,
    iat: seconds,
    exp: seconds + LIFE / SECOND,
  };
  const input = `${encode(header)}.${encode(claims)}`;
  const signature = await signAsync('sha256', Buffer.from(input), {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
  return new Secret(`${input}.${signature.toString('base64url')}`);
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
