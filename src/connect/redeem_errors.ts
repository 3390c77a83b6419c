import { MINUTE } from '../model/clock.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import type { Failure, FailureKind } from '../model/exchange.ts';

/** Kinds that are about the grant itself; the others are the fault of the app, of Entra or of a policy, and keep their reasons. */
const ABOUT_THE_GRANT: ReadonlySet<FailureKind> = new Set(['reauthorize', 'suspect']);

/** A code redeemed twice, or with the PKCE verifier of another sign-in: the visitor sent it so, and signs in again. */
const BY_THE_VISITOR = /\bAADSTS(?:54005|501481|50148)\b/;

/** Why a sign-in failed. Nothing is stored yet that a second doubtful answer could confirm, and the sign-in is the user's to repeat. */
export function signInReason({ kind, reason, entraError = '' }: Failure): Reason {
  if (ABOUT_THE_GRANT.has(kind) || reason === 'STATE_INVALID') return 'REAUTHORIZATION_REQUIRED';
  return kind === 'ours' && BY_THE_VISITOR.test(entraError) ? 'REAUTHORIZATION_REQUIRED' : reason;
}

/** Entra refused the authorization code. */
export function codeRefused(failure: Failure, connection: string): VaultError {
  const reason = signInReason(failure);
  return refusal(reason, `Entra did not connect ${connection}: ${reasonText(reason, failure)}`, failure, connection);
}

/** 9002313: Entra cannot read the token. */
const UNREADABLE = 'AADSTS9002313';

/** Whether the same refresh token may be accepted a minute later: https://github.com/BingAds/BingAds-Python-SDK/issues/279 */
export function mayPass({ kind, entraError }: Failure): boolean {
  return kind === 'suspect' && entraError?.includes(UNREADABLE) !== true;
}

/** An `error` word that no standard defines says nothing of the refresh token, however often it comes. */
export function isUnknownWord({ kind, subject }: Failure): boolean {
  return kind === 'transient' && subject === 'request';
}

/** Entra refused the refresh token that was to be imported, in a way that may pass. */
export function refreshTokenDoubtful(failure: Failure, connection: string): VaultError {
  const text = isUnknownWord(failure)
    ? `Entra gave an answer to the refresh token for ${connection} that the vault does not know. Import it again later.`
    : `Entra gave a doubtful answer to the refresh token for ${connection}. Import it again in a minute: a second such answer rejects it.`;
  const error = refusal('ENTRA_UNAVAILABLE', text, failure, connection);
  return new VaultError(error.reason, error.message, {
    metadata: { ...error.metadata, doubtful: 'true' },
    retryAfter: MINUTE,
  });
}

/** The refresh token is of a directory other than the one where it was redeemed. */
const NAMES_DIRECTORY = /AADSTS(700005|7000012|70000121)\b/;

/** Entra refused the refresh token that was to be imported. */
export function refreshTokenRefused(failure: Failure, connection: string): VaultError {
  if (!ABOUT_THE_GRANT.has(failure.kind)) {
    const text = `Entra did not redeem the refresh token for ${connection}: ${reasonText(failure.reason, failure)}`;
    return refusal(failure.reason, text, failure, connection);
  }
  const field = NAMES_DIRECTORY.test(failure.entraError ?? '') ? ' Name it in account.directory_id.' : '';
  const cause = `${failure.hint ?? 'It is too old, was revoked, or was issued to another client id.'}${field}`;
  return refusal(
    'REFRESH_TOKEN_REJECTED',
    `Entra did not accept the refresh token for ${connection}. ${cause} Otherwise let the user sign in with StartAuthorization.`,
    failure,
    connection,
  );
}

function refusal(reason: Reason, message: string, failure: Failure, connection: string): VaultError {
  return new VaultError(reason, message, {
    metadata: {
      resource: connection,
      ...(failure.entraError === undefined ? {} : { entraError: failure.entraError }),
      ...(failure.correlationId === undefined ? {} : { correlationId: failure.correlationId }),
    },
    ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
    hint: failure.hint,
  });
}

const TEXTS: Partial<Record<Reason, string>> = {
  REAUTHORIZATION_REQUIRED: 'the user must sign in. Start the authorization again.',
  CONSENT_REQUIRED: 'the user has not consented to all that was requested. Start again with prompt CONSENT.',
  ADMIN_CONSENT_REQUIRED: 'an administrator of the directory must consent first.',
  BLOCKED_BY_POLICY: 'a policy of the directory forbids it. Ask its administrator.',
  ACCOUNT_DISABLED: 'the account is disabled, deleted or unknown in the directory. Ask its administrator.',
  APP_MISCONFIGURED: "the app registration does not fit the request. Compare it with VerifyApp's next steps.",
  APP_CREDENTIAL_REJECTED: 'Entra accepts no credential of the app. Add one that works (AddCredential).',
  FIELD_INVALID: 'it cannot read the claims. Send them as the resource returned them.',
  INTERNAL: 'it cannot read the request of the vault. Report it with the request id.',
  APP_CREDENTIAL_EXPIRED: 'every credential of the app has expired. Add a new one (AddCredential).',
};

/** The end of a sentence: what stands in the way, and what to do. */
export function reasonText(reason: Reason, { hint }: Pick<Failure, 'hint'>): string {
  const text = TEXTS[reason] ?? 'it does not answer now. Try again.';
  return hint === undefined ? text : `${text} ${hint}`;
}
