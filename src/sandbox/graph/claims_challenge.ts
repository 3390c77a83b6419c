import type { User } from '../state/entra_users.ts';
import { type Bearer, BearerError } from './check_bearer_token.ts';

/** A token that only a token with these claims replaces (continuous access evaluation). */
export class ClaimsChallenge extends BearerError {
  /** JSON. */
  readonly claims: string;

  constructor(notBefore: number) {
    super(
      'challenged',
      'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp',
    );
    this.claims = JSON.stringify({ access_token: { nbf: { essential: true, value: String(notBefore) } } });
  }
}

/** Challenges tokens that carry `cp1` alone: others stay valid until they expire. */
export function checkNotChallenged({ claims }: Bearer, { challengedTime }: User): void {
  const carriesCp1 = Array.isArray(claims['xms_cc']) && claims['xms_cc'].includes('CP1');
  if (carriesCp1 && (claims.iat ?? 0) < challengedTime) throw new ClaimsChallenge(challengedTime);
}
