import type { Failure } from '../../model/token_request_outcome.ts';
import type { Meaning } from './classify_entra_response.ts';

/** 50105: for a token of the app itself, the app is not assigned. */
const NOT_ASSIGNED: ReadonlySet<number> = new Set([50105, 501051]);
const ASSIGN = 'An administrator must assign the application to a role of the resource (app role assignment).';

/**
 * Meaning of a refusal for a token of the app itself (client credentials). No user can sign in or consent, and there is
 * no refresh token that may be accepted later: an ambiguous refusal of a refresh token is a fault of this request here.
 */
export function asAppTokenMeaning(meaning: Meaning): Meaning {
  const { failure, codes } = meaning;
  switch (failure.kind) {
    case 'ambiguous':
      return refusedRequest(meaning, false, 'Entra refuses the app with a code that the vault does not know.');
    case 'reauthorize':
      return refusedRequest(meaning, true, 'Entra requires a user to sign in, but a token of the app has no user.');
    case 'consent':
      return withFailure(meaning, {
        reason: 'ADMIN_CONSENT_REQUIRED',
        hint: 'The app lacks an application permission of the resource, or consent to it.',
      });
    case 'blocked':
      return withFailure(meaning, {
        reason: 'BLOCKED_BY_POLICY',
        hint: codes.some((code) => NOT_ASSIGNED.has(code)) ? ASSIGN : failure.hint,
      });
    default:
      return meaning;
  }
}

function refusedRequest(meaning: Meaning, known: boolean, hint: string): Meaning {
  const changed = { kind: 'app_config', subject: 'request', reason: 'APP_MISCONFIGURED' } as const;
  return { ...withFailure(meaning, { ...changed, retryAfter: undefined, hint }), known };
}

function withFailure(meaning: Meaning, changes: Partial<Failure>): Meaning {
  return { ...meaning, failure: { ...meaning.failure, ...changes } };
}
