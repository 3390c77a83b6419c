import type { Admission, AdmissionRequest, AuthorizationServer } from '../entra/entra_client_interface.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError, VaultError } from '../model/errors.ts';

/** A refresh belongs to no single caller, so no caller's deadline limits its wait for a concurrency slot. */
const LONGEST_WAIT: Duration = 15 * SECOND;

/** OVERLOADED when no slot becomes free in time. */
export async function waitForAdmission(
  authorizationServer: Pick<AuthorizationServer, 'admit'>,
  request: Omit<AdmissionRequest, 'signal'>,
): Promise<Admission> {
  const signal = AbortSignal.timeout(LONGEST_WAIT);
  try {
    return await authorizationServer.admit({ ...request, signal });
  } catch (error) {
    if (isVaultError(error) || !signal.aborted) throw error;
    throw new VaultError('OVERLOADED', 'Too many token requests wait for Entra. Retry later.', {
      retryAfter: 5 * SECOND,
      cause: error,
    });
  }
}
