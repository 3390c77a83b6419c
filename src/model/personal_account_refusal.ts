import type { Account } from './connection.ts';
import { PERSONAL_DIRECTORY } from './entra_app.ts';
import type { Failure, Outcome } from './token_request_outcome.ts';

/** For a personal account, Entra returns the same error for missing consent as for an invalid refresh token (70000). */
export function isUnclearForPersonal(account: Account | undefined, outcome: Outcome): outcome is Failure {
  return outcome.kind === 'ambiguous' && outcome.subject === 'connection' && isPersonal(account);
}

export function isPersonal(account: Account | undefined): boolean {
  return account?.directoryId.toLowerCase() === PERSONAL_DIRECTORY;
}

/** The meaning of that error once another resource proves that Entra accepts the refresh token. */
export function asMissingConsent(failure: Failure): Failure {
  return { ...failure, kind: 'consent', subject: 'resource', reason: 'CONSENT_REQUIRED', retryAfter: undefined };
}
