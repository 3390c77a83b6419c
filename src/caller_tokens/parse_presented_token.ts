import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import type { TokenFault } from '../model/presented_token_fault.ts';
import { parseSpiffeId } from '../model/spiffe_id.ts';
import { trustDomainName } from '../model/token_issuer.ts';

/** A token as it was presented: nothing of it is verified. */
export interface PresentedToken {
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string;
  /** `iss`, or the trust domain of a SPIFFE id for a token without one. */
  readonly issuerName: string | undefined;
  readonly claims: JWTPayload;
}

/** Tokens of Entra have about 2 KB, those of Kubernetes 1 KB. */
const LONGEST = 8 * 1_024;
/** Compact form (RFC 7515, 7.1). The library decodes it only then, so that an error of it is a malformed token. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function parsePresentedToken(text: string): PresentedToken | TokenFault {
  if (text.length > LONGEST) return 'size';
  if (!COMPACT.test(text)) return 'form';
  try {
    const header = decodeProtectedHeader(text);
    if (header.crit !== undefined) return 'critical_header';
    const { alg, kid } = header;
    const claims = decodeJwt(text);
    if (typeof alg !== 'string' || typeof kid !== 'string' || kid === '') return 'form';
    return { text, algorithm: alg, keyId: kid, issuerName: issuerNameOf(claims), claims };
  } catch {
    return 'form';
  }
}

/** JWT-SVIDs have no `iss` by default. */
function issuerNameOf({ iss, sub }: JWTPayload): string | undefined {
  if (iss !== undefined) return typeof iss === 'string' ? iss : undefined;
  const id = typeof sub === 'string' ? parseSpiffeId(sub) : undefined;
  return id && trustDomainName(id.trustDomain);
}

/** Who a token says that it is from and about, for logs. Undefined unless both are short and printable. */
export function claimedIdentity(text: string): { readonly issuer: string; readonly subject: string } | undefined {
  const token = parsePresentedToken(text);
  if (typeof token === 'string') return undefined;
  const { issuerName: issuer, claims } = token;
  const subject = claims['azp'] ?? claims['appid'] ?? claims.sub;
  return isLoggable(issuer) && isLoggable(subject) ? { issuer, subject } : undefined;
}

const LOGGABLE = /^[\x21-\x7e]{1,256}$/;

function isLoggable(value: unknown): value is string {
  return typeof value === 'string' && LOGGABLE.test(value);
}
