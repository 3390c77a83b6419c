import { VaultError } from '../model/errors.ts';
import type { Failure, FailureKind } from '../model/exchange.ts';
import { codesOf, declined } from './error_answer.ts';

/** The kinds that are about the grant itself; the others are the app's, Entra's or a policy's doing and keep their reasons. */
const ABOUT_THE_GRANT: ReadonlySet<FailureKind> = new Set(['reauthorize', 'suspect', 'ours']);

/** Entra would not take the authorization code. */
export function codeRefused(failure: Failure, connection: string): VaultError {
  if (codesOf(failure.entraError ?? '').has('65004')) return declined(connection);
  if (ABOUT_THE_GRANT.has(failure.kind)) {
    return refusal(
      'REAUTHORIZATION_REQUIRED',
      `Entra did not accept the authorization code for ${connection}; start the authorization again`,
      failure,
      connection,
    );
  }
  return refusal(failure.reason, `Entra did not connect ${connection}${nextStep(failure)}`, failure, connection);
}

/** Entra would not take the refresh token that was to be imported. */
export function refreshTokenRefused(failure: Failure, connection: string): VaultError {
  if (ABOUT_THE_GRANT.has(failure.kind)) {
    return refusal(
      'REFRESH_TOKEN_REJECTED',
      `Entra did not accept the refresh token for ${connection}; it is too old, was revoked, or was issued to another client id: let the user sign in with StartAuthorization`,
      failure,
      connection,
    );
  }
  return refusal(
    failure.reason,
    `Entra did not redeem the refresh token for ${connection}${nextStep(failure)}`,
    failure,
    connection,
  );
}

function refusal(reason: VaultError['reason'], message: string, failure: Failure, connection: string): VaultError {
  return new VaultError(reason, message, {
    metadata: {
      connection,
      ...(failure.entraError === undefined ? {} : { entraError: failure.entraError }),
      ...(failure.correlationId === undefined ? {} : { correlationId: failure.correlationId }),
    },
    ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
  });
}

function nextStep(failure: Failure): string {
  switch (failure.kind) {
    case 'transient':
    case 'throttled':
    case 'looping':
      return ': it does not answer just now; try again';
    case 'app_credential':
    case 'app_config':
      return ': something is wrong with the app or its credentials; VerifyApp tells what';
    case 'consent':
      return failure.reason === 'ADMIN_CONSENT_REQUIRED'
        ? ': an administrator of the directory must consent first'
        : ': the user has not consented to all that was asked';
    default:
      return ': a policy of the directory forbids it; ask its administrator';
  }
}
