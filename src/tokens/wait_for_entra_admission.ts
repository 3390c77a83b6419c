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
  // Cleared, unlike that of AbortSignal.timeout: nearly every refresh is admitted at once.
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => controller.abort(), LONGEST_WAIT).unref();
  try {
    return await authorizationServer.admit({ ...request, signal });
  } catch (error) {
    if (isVaultError(error) || !signal.aborted) throw error;
    throw new VaultError('OVERLOADED', 'Too many token requests wait for Entra. Retry later.', {
      retryAfter: 5 * SECOND,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
