import { VaultError } from '../model/errors.ts';
import type { AuthorizationAnswer } from './authorizations.ts';

type ErrorAnswer = Extract<AuthorizationAnswer, { error: string }>;

const DECLINED = new Set(['65004']);
const ADMIN_CONSENT = new Set(['90093', '90094', '90095']);
const BLOCKED = new Set(['53003', '53000', '53001', '53011', '530032', '50131', '50105', '50020', '50034', '51004']);
const DISABLED = new Set(['50057']);
const TRANSIENT = new Set(['temporarily_unavailable', 'server_error']);

/**
 * An error that came to the callback (RFC 6749, section 4.1.2.1). Entra names its number nowhere but in the description,
 * so the digits, and nothing else, are taken from there.
 */
export function errorAnswered(answer: ErrorAnswer, connection: string): VaultError {
  const codes = codesOf(answer.errorDescription ?? '');
  const any = (of: ReadonlySet<string>) => [...codes].some((code) => of.has(code));
  const entraError = [knownError(answer.error), ...[...codes].map((code) => `AADSTS${code}`)].join('/');
  const reasoned = (...[reason, message]: [VaultError['reason'], string]) =>
    new VaultError(reason, message, { metadata: { connection, entraError } });
  if (any(ADMIN_CONSENT)) {
    return reasoned(
      'ADMIN_CONSENT_REQUIRED',
      `an administrator of the directory must consent before ${connection} can be connected`,
    );
  }
  if (any(DISABLED))
    return reasoned('ACCOUNT_DISABLED', `the account for ${connection} is disabled; an administrator can enable it`);
  if (any(BLOCKED))
    return reasoned(
      'BLOCKED_BY_POLICY',
      `a policy of the directory forbids to connect ${connection}; ask its administrator`,
    );
  if (any(DECLINED) || answer.error === 'access_denied') return declined(connection);
  if (answer.error === 'consent_required') {
    return reasoned(
      'CONSENT_REQUIRED',
      `the user has not consented for ${connection}; start the authorization again with prompt CONSENT`,
    );
  }
  if (TRANSIENT.has(answer.error))
    return reasoned('ENTRA_UNAVAILABLE', `Entra could not serve the sign-in for ${connection}; try again`);
  if (answer.error === 'interaction_required' || answer.error === 'login_required') {
    return reasoned(
      'REAUTHORIZATION_REQUIRED',
      `the user must sign in for ${connection}; start the authorization again`,
    );
  }
  return reasoned(
    'APP_MISCONFIGURED',
    `Entra refused the request to connect ${connection}; compare the app registration with VerifyApp's next steps`,
  );
}

export function declined(connection: string): VaultError {
  return new VaultError(
    'AUTHORIZATION_DECLINED',
    `the user did not agree to connect ${connection}; ask again when they want to`,
    {
      metadata: { connection },
    },
  );
}

/** `error` is whatever the browser sent, so only the names that RFC 6749, OpenID Connect and Entra know get any further. */
const ERRORS = new Set([
  'access_denied',
  'consent_required',
  'interaction_required',
  'invalid_client',
  'invalid_request',
  'invalid_resource',
  'invalid_scope',
  'login_required',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_response_type',
]);

function knownError(error: string): string {
  return ERRORS.has(error) ? error : 'other';
}

/** Entra's numbers, at most five, as digits. */
export function codesOf(text: string): ReadonlySet<string> {
  return new Set([...text.slice(0, 2_000).matchAll(/AADSTS(\d{4,8})\b/g)].slice(0, 5).map(([, code]) => code ?? ''));
}
