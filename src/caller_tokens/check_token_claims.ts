import type { JWTPayload } from 'jose';
import { DAY, type Duration, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import type { TokenFault } from '../model/presented_token_fault.ts';
import type { TokenIssuer } from '../model/token_issuer.ts';

/** How far the clocks of vault and issuer may differ. */
export const CLOCK_SKEW: Duration = MINUTE;
const LONGEST_LIFE: Duration = DAY;

/**
 * Audience and times (RFC 7519, 4.1). They cost far less than a signature, so they are checked before it: a flood of
 * expired tokens must not keep the vault busy.
 */
export function tokenClaimsFault(
  claims: JWTPayload,
  { audiences }: Pick<TokenIssuer, 'audiences'>,
  now: Timestamp,
): TokenFault | undefined {
  const { exp, nbf, iat } = claims;
  if (exp === undefined) return 'no_expiry';
  if (!isTime(exp) || !isOptionalTime(nbf) || !isOptionalTime(iat)) return 'form';
  if (!isFor(claims.aud, audiences)) return 'audience';
  if (endOf(exp) <= now) return 'expired';
  if (nbf !== undefined && nbf * SECOND > now + CLOCK_SKEW) return 'not_yet_valid';
  // An `iat` in the future must not make a long life short.
  const begin = Math.min(iat === undefined ? now : iat * SECOND, now);
  return exp * SECOND - begin > LONGEST_LIFE ? 'lifetime' : undefined;
}

/** From then on a token is refused. */
export function endOf(exp: number): Timestamp {
  return exp * SECOND + CLOCK_SKEW;
}

/** A token that others accept too could be presented by them. */
function isFor(aud: unknown, audiences: readonly string[]): boolean {
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return values.length > 0 && values.every((value) => typeof value === 'string' && audiences.includes(value));
}

function isOptionalTime(value: unknown): boolean {
  return value === undefined || isTime(value);
}

/** A NumericDate. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
