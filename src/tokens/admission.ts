import type { Admission, AdmissionRequest, AuthorizationServer } from '../entra/authorization_server.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError, VaultError } from '../model/errors.ts';

/** Waits for a pacing slot, but not for ever: callers come and go, and a refresh belongs to none of them. */
export async function admitWithin(
  patience: Duration,
  authorizationServer: Pick<AuthorizationServer, 'admit'>,
  request: Omit<AdmissionRequest, 'signal'>,
): Promise<Admission> {
  const signal = AbortSignal.timeout(patience);
  try {
    return await authorizationServer.admit({ ...request, signal });
  } catch (error) {
    if (isVaultError(error) || !signal.aborted) throw error;
    throw new VaultError('OVERLOADED', 'Too many exchanges wait for Entra; retry later', {
      retryAfter: 5 * SECOND,
      cause: error,
    });
  }
}
