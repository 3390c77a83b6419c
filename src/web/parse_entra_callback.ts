import type { AdminConsentAnswer } from '../connect/admin_consent_callback.ts';
import type { AuthorizationResponse } from '../connect/authorization_response.ts';
import { Secret } from '../model/secret.ts';
import { singleValuedParams } from './single_valued_params.ts';

interface Received<Answer> {
  readonly state: string;
  readonly answer: Answer;
}

/** Entra's response to a user's sign-in: RFC 6749, sections 4.1.2 and 4.1.2.1. Undefined: not a valid response. */
export function readAuthorizationResponse(parameters: URLSearchParams): Received<AuthorizationResponse> | undefined {
  const sent = singleValuedParams(parameters, ['state', 'code', 'error', 'error_description', 'error_subcode']);
  if (sent?.state === undefined || (sent.code === undefined) === (sent.error === undefined)) return undefined;
  const { state, code, error = '', error_description: errorDescription, error_subcode: errorSubcode } = sent;
  return { state, answer: code === undefined ? { error, errorDescription, errorSubcode } : { code: new Secret(code) } };
}

/**
 * Entra's response to an administrator's consent; undefined: not a valid response.
 * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent#successful-response
 */
export function readAdminConsentResponse(parameters: URLSearchParams): Received<AdminConsentAnswer> | undefined {
  const errorNames = ['error', 'error_description', 'error_subcode'] as const;
  const sent = singleValuedParams(parameters, ['state', 'admin_consent', 'tenant', ...errorNames]);
  if (sent?.state === undefined) return undefined;
  const { state, tenant, error, error_description: errorDescription, error_subcode: errorSubcode } = sent;
  // Entra sends `admin_consent=True` with some errors, too.
  if (error !== undefined) return { state, answer: { error, errorDescription, errorSubcode } };
  if (sent.admin_consent?.toLowerCase() !== 'true') return undefined;
  return { state, answer: { granted: true, directoryId: tenant } };
}
