import type { Timestamp } from '../../model/clock.ts';
import { isVaultError } from '../../model/errors.ts';
import { OWN_REGISTRATION_PERMISSION } from '../../model/secret_rotation.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import type { RegistrationFailure } from '../app_registrations_interface.ts';
import { retryAfterOf } from '../errors/classify_entra_response.ts';
import type { JsonObject } from '../json_object.ts';
import type { RawTokenResponse } from '../raw_response.ts';

/**
 * Meaning of an unsuccessful response of Graph. Its message is never read, because it names people and may change.
 * https://learn.microsoft.com/graph/errors
 */
export function graphFailure(response: RawTokenResponse, now: Timestamp): RegistrationFailure {
  const { status, fault } = response;
  const error = response.body?.['error'];
  const hasError = typeof error === 'object' && error !== null;
  const code = hasError ? codeOf(error as JsonObject) : undefined;
  const retryAfter = retryAfterOf(response, now);
  const transportCode = status === undefined ? `network/${fault}` : `http/${status}`;
  // Without an error object of Graph, a gateway may have sent the 403 or 404, and the permission may be granted.
  if (status === undefined || !hasError || retryAfter !== undefined || TRANSIENT.has(status) || status >= 500) {
    return { kind: 'unavailable', code: code ?? transportCode, retryAfter };
  }
  if (code !== undefined && POLICY_CODE.test(code)) return { kind: 'refused', code };
  // No permission helps: the token was new, so a clock was set, or a revocation is in progress.
  if (code === 'InvalidAuthenticationToken' || code === BAD_PROOF) return { kind: 'unavailable', code, retryAfter };
  if (status === 401 || status === 403) return { kind: 'forbidden', permission: OWN_REGISTRATION_PERMISSION, code };
  if (status === 404) return { kind: 'not_found', code };
  if (status >= 400) return { kind: 'refused', code };
  return { kind: 'unavailable', code: transportCode, retryAfter };
}

/** No credential of the app got a token for Graph. */
export function tokenFailure({ entraError, reason, retryAfter }: Failure): RegistrationFailure {
  const code = entraError ?? reason;
  return NO_REGISTRATION.test(code) ? { kind: 'not_found', code } : { kind: 'unavailable', code, retryAfter };
}

/** A failure that is known without a request. Rethrows errors that are not of the vault. */
export function admissionFailure(error: unknown): RegistrationFailure {
  if (!isVaultError(error)) throw error;
  return { kind: 'unavailable', code: error.reason, retryAfter: error.retryAfter };
}

/** Of `addKey` and `removeKey`, with status 401. https://learn.microsoft.com/graph/application-rollkey-prooftoken */
const BAD_PROOF = 'Authentication_MissingOrMalformed';

/** Request timeout, concurrent write, locked object, throttling. */
const TRANSIENT = new Set([408, 409, 423, 429]);

/**
 * `CredentialInvalidLifetimeAsPerAppPolicy`, `CredentialTypeNotAllowedAsPerAppPolicy`, `TooManyAppPasswords`,
 * `Directory_QuotaExceeded`: whatever the status, no permission helps.
 * https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/10998, https://github.com/Azure/azure-cli/issues/12946
 */
const POLICY_CODE = /AsPerAppPolicy$|^TooManyAppPasswords$|QuotaExceeded$/;

/** Entra does not know the app, its service principal, or the directory. */
const NO_REGISTRATION = /AADSTS(700016|7000229|90002)\b/;

function codeOf({ code }: JsonObject): string | undefined {
  return typeof code === 'string' && /^[A-Za-z0-9_.-]{1,80}$/.test(code) ? code : undefined;
}
