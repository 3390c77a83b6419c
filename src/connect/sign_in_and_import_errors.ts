import { MINUTE } from '../model/clock.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import type { Failure, FailureKind } from '../model/token_request_outcome.ts';

const ABOUT_THE_GRANT: ReadonlySet<FailureKind> = new Set(['reauthorize', 'ambiguous']);

/** Entra does not accept the grant itself. Other failures are caused by the app, by Entra or by a policy, and keep their reasons. */
export function isAboutTheGrant({ kind }: Failure): boolean {
  return ABOUT_THE_GRANT.has(kind);
}

/** A code redeemed twice, or with the PKCE verifier of another sign-in: the browser sent it, so the user signs in again. */
const CAUSED_BY_BROWSER = /\bAADSTS(?:54005|501481|50148)\b/;

/** No stored grant waits for a second ambiguous answer to confirm the first one, and the user can repeat the sign-in. */
function signInReason(failure: Failure): Reason {
  const { kind, reason, entraError = '' } = failure;
  if (isAboutTheGrant(failure) || reason === 'STATE_INVALID') return 'REAUTHORIZATION_REQUIRED';
  return kind === 'vault_fault' && CAUSED_BY_BROWSER.test(entraError) ? 'REAUTHORIZATION_REQUIRED' : reason;
}

/** The sign-in failed: Entra refused it, its authorization code, or a token that the code brought. */
export function signInError(failure: Failure, connection: string): VaultError {
  const reason = signInReason(failure);
  return redeemError(
    reason,
    `Entra did not connect ${connection}: ${reasonText(reason, failure)}`,
    failure,
    connection,
  );
}

export function declined({ entraError }: Failure, connection: string): VaultError {
  return new VaultError(
    'AUTHORIZATION_DECLINED',
    `The user did not agree to connect ${connection}. Start again when they want to.`,
    { metadata: { resource: connection, ...(entraError === undefined ? {} : { entraError }) } },
  );
}

/** Entra cannot parse the token. */
const UNREADABLE = 'AADSTS9002313';

/** Whether the same refresh token may be accepted a minute later: https://github.com/BingAds/BingAds-Python-SDK/issues/279 */
export function mayPass({ kind, entraError }: Failure): boolean {
  return kind === 'ambiguous' && entraError?.includes(UNREADABLE) !== true;
}

/** An `error` value that no standard defines proves nothing about the refresh token, however often it is returned. */
export function isUnknownError({ kind, subject }: Failure): boolean {
  return kind === 'transient' && subject === 'request';
}

/** Entra refused the refresh token to be imported, perhaps only temporarily. */
export function refreshTokenDoubtful(failure: Failure, connection: string): VaultError {
  const text = isUnknownError(failure)
    ? `Entra answered the refresh token for ${connection} with an error that the vault does not know. Import it again later.`
    : `Entra gave a doubtful answer to the refresh token for ${connection}. Import it again in a minute: a second such answer rejects it.`;
  const { reason, message, metadata } = redeemError('ENTRA_UNAVAILABLE', text, failure, connection);
  return new VaultError(reason, message, { metadata: { ...metadata, doubtful: 'true' }, retryAfter: MINUTE });
}

/** The refresh token belongs to another directory than the one where it was redeemed. */
const NAMES_DIRECTORY = /AADSTS(700005|7000012|70000121)\b/;

/** Entra refused the refresh token to be imported. */
export function refreshTokenRefused(failure: Failure, connection: string): VaultError {
  if (!isAboutTheGrant(failure)) {
    const text = `Entra did not redeem the refresh token for ${connection}: ${reasonText(failure.reason, failure)}`;
    return redeemError(failure.reason, text, failure, connection);
  }
  const field = NAMES_DIRECTORY.test(failure.entraError ?? '') ? ' Name its directory in account.directory_id.' : '';
  const cause = `${failure.hint ?? 'It is too old, was revoked, or was issued to another client id.'}${field}`;
  return redeemError(
    'REFRESH_TOKEN_REJECTED',
    `Entra did not accept the refresh token for ${connection}. ${cause} Otherwise let the user sign in with StartAuthorization.`,
    failure,
    connection,
  );
}

function redeemError(reason: Reason, message: string, failure: Failure, connection: string): VaultError {
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

/** The second half of a sentence: the cause, then what to do. */
function reasonText(reason: Reason, { hint }: Pick<Failure, 'hint'>): string {
  const text = TEXTS[reason] ?? 'it does not answer now. Try again.';
  return hint === undefined ? text : `${text} ${hint}`;
}
