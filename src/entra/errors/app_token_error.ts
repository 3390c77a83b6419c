import type { Failure } from '../../model/exchange.ts';
import type { Meaning } from './classify_error.ts';

/** 50105: for a token of the app itself, the app is what is not assigned. */
const NOT_ASSIGNED: ReadonlySet<number> = new Set([50105, 501051]);
const ASSIGN = 'An administrator must assign the application to a role of the resource (app role assignment).';

/**
 * A refusal of a token for the app itself (client credentials). There is no user who could sign in or consent, and no refresh token
 * that could be accepted a minute later: what would be a doubtful answer about a refresh token is a fault of this request.
 */
export function asAppTokenMeaning(meaning: Meaning): Meaning {
  const { failure, codes } = meaning;
  switch (failure.kind) {
    case 'suspect':
      return refusedRequest(meaning, false, 'Entra refuses the app with a code that the vault does not know.');
    case 'reauthorize':
      return refusedRequest(
        meaning,
        true,
        'Entra wants a user to sign in, whom a token of the app itself does not have.',
      );
    case 'consent':
      return withFailure(meaning, {
        reason: 'ADMIN_CONSENT_REQUIRED',
        hint: 'The app lacks an application permission of the resource, or the consent to it.',
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
  const changed = {
    kind: 'app_config',
    subject: 'request',
    reason: 'APP_MISCONFIGURED',
    retryAfter: undefined,
  } as const;
  return { ...withFailure(meaning, { ...changed, hint }), known };
}

function withFailure(meaning: Meaning, changes: Partial<Failure>): Meaning {
  return { ...meaning, failure: { ...meaning.failure, ...changes } };
}
