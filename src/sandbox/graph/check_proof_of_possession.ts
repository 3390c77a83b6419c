import { type JWTPayload, jwtVerify } from 'jose';
import { MINUTE } from '../movable_clock.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { GraphError } from './graph_error.ts';

/** Azure AD Graph, whose id the proofs kept as audience. */
const AUDIENCE = '00000002-0000-0000-c000-000000000000';
const LONGEST_LIFE = 10 * MINUTE;

/**
 * Throws unless `proof` is a JWT about the object id of the registration, signed with the key of one of its certificates that
 * is valid now. Graph refuses any other proof with the same text.
 * https://learn.microsoft.com/graph/application-rollkey-prooftoken, https://github.com/microsoftgraph/microsoft-graph-docs/issues/22076
 */
export async function checkProofOfPossession(app: AppRegistration, proof: unknown, now: number): Promise<void> {
  const valid = app.certificates.filter(({ startTime, endTime }) => startTime <= now && endTime > now);
  for (const { publicKey } of valid) {
    const claims = { issuer: app.objectId, audience: AUDIENCE, requiredClaims: ['nbf', 'exp'] };
    const options = { ...claims, currentDate: new Date(now), clockTolerance: 300, algorithms: ['RS256'] };
    const verified = await jwtVerify(String(proof), publicKey, options).catch(() => undefined);
    if (verified !== undefined && lifeOf(verified.payload) <= LONGEST_LIFE) return;
  }
  throw new GraphError(401, 'Authentication_MissingOrMalformed', 'Access Token missing or malformed.');
}

function lifeOf({ nbf = 0, exp = Number.POSITIVE_INFINITY }: JWTPayload): number {
  return (exp - nbf) * 1_000;
}
