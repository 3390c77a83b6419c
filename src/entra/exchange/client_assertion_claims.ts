import { randomUUID, X509Certificate } from 'node:crypto';
import { type Duration, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';

export const ASSERTION_LIFETIME: Duration = 10 * MINUTE;

/** Header and claims of a client assertion (RFC 7523). https://learn.microsoft.com/entra/identity-platform/certificate-credentials */
export function assertionClaims(
  subject: {
    readonly clientId: string;
    /** The audience. */
    readonly tokenEndpoint: string;
    /** PEM, the leaf first. */
    readonly certificate: string;
  },
  now: Timestamp,
) {
  const { fingerprint256 } = new X509Certificate(subject.certificate);
  const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  const seconds = Math.floor(now / SECOND);
  return {
    header: { alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint },
    claims: {
      aud: subject.tokenEndpoint,
      iss: subject.clientId,
      sub: subject.clientId,
      jti: randomUUID(),
      nbf: seconds,
      iat: seconds,
      exp: seconds + ASSERTION_LIFETIME / SECOND,
    },
  } as const;
}
