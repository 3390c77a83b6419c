import type { AuthorizationServer } from '../entra/authorization_server.ts';
import { VaultError } from '../model/errors.ts';
import type { AuthorizationResponse } from './authorizations.ts';
import { reasonText, signInReason } from './redeem_errors.ts';

type ErrorAnswer = Extract<AuthorizationResponse, { error: string }>;

/**
 * An error that came to the redirect URI (RFC 6749, 4.1.2.1). Entra puts its codes into the description alone, so the digits, and
 * nothing else, are read from there.
 */
export function authorizationErrorOf(
  server: Pick<AuthorizationServer, 'readAuthorizationError'>,
  answer: ErrorAnswer,
  name: string,
): VaultError {
  const codes = codesOf(answer.errorDescription ?? '');
  const failure = server.readAuthorizationError(answer.error, codes);
  if (failure.reason === 'AUTHORIZATION_DECLINED') return declined(name, failure.entraError);
  const reason = signInReason(failure);
  return new VaultError(reason, `Entra did not connect ${name}: ${reasonText(reason, failure)}`, {
    metadata: {
      resource: name,
      ...(failure.entraError === undefined ? {} : { entraError: failure.entraError }),
    },
    hint: failure.hint,
  });
}

export function declined(name: string, entraError: string | undefined): VaultError {
  return new VaultError(
    'AUTHORIZATION_DECLINED',
    `The user did not agree to connect ${name}. Start again when they want to.`,
    { metadata: { resource: name, ...(entraError === undefined ? {} : { entraError }) } },
  );
}

/** Entra's codes, five at most. */
function codesOf(text: string): readonly number[] {
  const found = [...text.slice(0, 2_000).matchAll(/AADSTS(\d{4,8})\b/g)].slice(0, 5);
  return [...new Set(found.map(([, code]) => Number(code)))];
}
