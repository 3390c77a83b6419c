import type { AuthorizationServer } from '../entra/entra_client_interface.ts';
import type { VaultError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import { declined, signInError } from './sign_in_and_import_errors.ts';

/** The parameters that Entra sends to the redirect URI: RFC 6749, sections 4.1.2 and 4.1.2.1. */
export type AuthorizationResponse = { readonly code: Secret } | AuthorizationErrorResponse;

export interface AuthorizationErrorResponse {
  readonly error: string;
  /** May contain names of people: only Entra's error codes are read from it. */
  readonly errorDescription?: string | undefined;
  readonly errorSubcode?: string | undefined;
}

/** Entra puts its error codes only into the description, so the digits, and nothing else, are read from there. */
export function authorizationErrorOf(
  server: Pick<AuthorizationServer, 'readAuthorizationError'>,
  { error, errorDescription = '' }: AuthorizationErrorResponse,
  name: string,
): VaultError {
  const found = [...errorDescription.slice(0, 2_000).matchAll(/AADSTS(\d{4,8})\b/g)].slice(0, 5);
  const failure = server.readAuthorizationError(error, [...new Set(found.map(([, code]) => Number(code)))]);
  return failure.reason === 'AUTHORIZATION_DECLINED' ? declined(failure, name) : signInError(failure, name);
}
