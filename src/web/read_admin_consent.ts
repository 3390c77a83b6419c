import type { AdminConsentAnswer } from '../connect/admin_consents.ts';
import { singleValuedParams } from './single_valued_params.ts';

/**
 * What Entra sent after an administrator was asked; undefined where it is no answer at all.
 * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent#successful-response
 */
export function readAdminConsent(
  parameters: URLSearchParams,
): Pick<AdminConsentAnswer, 'state' | 'answer'> | undefined {
  const sent = singleValuedParams(parameters, [
    'state',
    'admin_consent',
    'tenant',
    'error',
    'error_description',
    'error_subcode',
  ]);
  if (sent?.state === undefined) return undefined;
  const { state, tenant, error, error_description: errorDescription, error_subcode: errorSubcode } = sent;
  // Entra sends `admin_consent=True` along with some errors, too.
  if (error !== undefined) return { state, answer: { error, errorDescription, errorSubcode } };
  return sent.admin_consent?.toLowerCase() === 'true'
    ? { state, answer: { granted: true, directoryId: tenant } }
    : undefined;
}
