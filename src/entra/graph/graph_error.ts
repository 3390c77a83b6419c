import type { Timestamp } from '../../model/clock.ts';
import { isVaultError } from '../../model/errors.ts';
import type { Failure } from '../../model/exchange.ts';
import { OWN_REGISTRATION_PERMISSION } from '../../model/rotation.ts';
import type { RegistrationFailure } from '../app_registrations.ts';
import { retryAfterOf } from '../errors/classify_error.ts';
import type { RawTokenResponse } from '../token_response.ts';

/**
 * What an answer of Graph means that does not bring what was asked. Its message is never looked at: it names people, and may change.
 * https://learn.microsoft.com/graph/errors
 */
export function graphFailure(response: RawTokenResponse, now: Timestamp): RegistrationFailure {
  const { status } = response;
  const error = errorOf(response);
  const code = codeOf(error);
  const retryAfter = retryAfterOf(response, now);
  // Without Graph's own words a 403 or a 404 may be a gateway's: it must not send an operator to grant what is granted.
  if (status === undefined || error === undefined || retryAfter !== undefined || PASSING.has(status) || status >= 500) {
    return { kind: 'unavailable', code: code ?? transportCode(response), retryAfter };
  }
  if (code !== undefined && OF_POLICY.test(code)) return { kind: 'refused', code };
  // The token was fresh, and no permission mends one that is not taken: a clock that was set, or a revocation on its way.
  if (code === 'InvalidAuthenticationToken') return { kind: 'unavailable', code, retryAfter };
  if (status === 401 || status === 403) return { kind: 'forbidden', permission: OWN_REGISTRATION_PERMISSION, code };
  if (status === 404) return { kind: 'not_found', code };
  if (status >= 400) return { kind: 'refused', code };
  return { kind: 'unavailable', code: transportCode(response), retryAfter };
}

/** No credential of the app got a token for Graph. */
export function tokenFailure({ entraError, reason, retryAfter }: Failure): RegistrationFailure {
  const code = entraError ?? reason;
  return NO_REGISTRATION.test(code) ? { kind: 'not_found', code } : { kind: 'unavailable', code, retryAfter };
}

/** What the vault knew without asking; throws on what is not for this room. */
export function admissionFailure(error: unknown): RegistrationFailure {
  if (!isVaultError(error)) throw error;
  return { kind: 'unavailable', code: error.reason, retryAfter: error.retryAfter };
}

/** Request timeout, a concurrent write, a locked object, throttling. */
const PASSING = new Set([408, 409, 423, 429]);

/**
 * `CredentialInvalidLifetimeAsPerAppPolicy`, `CredentialTypeNotAllowedAsPerAppPolicy`, `TooManyAppPasswords`,
 * `Directory_QuotaExceeded`: whatever the status, no permission helps.
 * https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/10998, https://github.com/Azure/azure-cli/issues/12946
 */
const OF_POLICY = /AsPerAppPolicy$|^TooManyAppPasswords$|QuotaExceeded$/;

/** Entra does not know the app, its service principal, or the directory. */
const NO_REGISTRATION = /AADSTS(700016|7000229|90002)\b/;

function errorOf({ body }: RawTokenResponse): Readonly<Record<string, unknown>> | undefined {
  const error = body?.['error'];
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : undefined;
}

function codeOf(error: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const code = error?.['code'];
  return typeof code === 'string' && /^[A-Za-z0-9_.-]{1,80}$/.test(code) ? code : undefined;
}

function transportCode({ status, fault }: RawTokenResponse): string {
  return status === undefined ? `network/${fault}` : `http/${status}`;
}
