import { entraError } from '../errors/entra_error.ts';

/** The `claims` parameter of a token request. https://learn.microsoft.com/entra/identity-platform/claims-challenge */
export interface RequestedClaims {
  /** The client handles claims challenges (`xms_cc` with `cp1`). */
  handlesChallenges: boolean;
  /** Seconds: the token must not be issued before. */
  notBefore: number;
}

interface ClaimsParameter {
  access_token?: { xms_cc?: { values?: unknown }; nbf?: { value?: unknown } };
}

export function parseRequestedClaims(claims: string | undefined): RequestedClaims {
  if (claims === undefined || claims === '') return { handlesChallenges: false, notBefore: 0 };
  const { access_token: requested } = parse(claims) ?? {};
  const values = requested?.xms_cc?.values;
  return {
    handlesChallenges: Array.isArray(values) && values.some((value) => String(value).toLowerCase() === 'cp1'),
    notBefore: Number(requested?.nbf?.value ?? 0) || 0,
  };
}

function parse(claims: string): ClaimsParameter | null {
  try {
    return JSON.parse(claims);
  } catch {
    throw entraError(90013);
  }
}
