import type { Registered } from '../../entra/app_registrations_interface.ts';
import { type App, isOpenToPersonalAccounts, PERSONAL_LIMITS } from '../../model/entra_app.ts';
import type { RotationBlocker } from '../../model/secret_rotation_transition.ts';
import type { ChangeFailure } from './registration_changes.ts';

/** Codes of Graph with a problem of their own; the others are of policies, or of requests that it finds invalid. */
const REFUSALS: Readonly<Record<string, RotationBlocker['problem']>> = {
  /** https://github.com/microsoft/coe-starter-kit/issues/3695 */
  TooManyAppPasswords: 'LIMIT',
  CredentialTypeNotAllowedAsPerAppPolicy: 'PASSWORDS_BLOCKED',
  CredentialInvalidLifetimeAsPerAppPolicy: 'LIFETIME',
  KeyCredentialsInvalidEndDate: 'LIFETIME',
};

/** The blocker of a rotation that a failed request to Graph means. */
export function blockerOf(response: ChangeFailure): RotationBlocker {
  const kind = 'blocked';
  switch (response.kind) {
    case 'no_proof':
      return { kind, problem: 'NO_VALID_CERTIFICATE' };
    case 'no_directory':
      return { kind, problem: 'NO_DIRECTORY' };
    case 'not_found':
      return { kind, problem: 'NOT_FOUND', code: response.code };
    case 'forbidden':
      return { kind, problem: 'PERMISSION', code: response.code, permission: response.permission };
    case 'refused':
      return { kind, problem: REFUSALS[response.code ?? ''] ?? 'POLICY', code: response.code };
    case 'unavailable':
      return { kind, problem: 'UNAVAILABLE', code: response.code, retryAfter: response.retryAfter };
  }
}

/** First characters of the registered secrets; Graph has none for old secrets. */
export function hintsOf({ passwords }: Registered): readonly string[] {
  return passwords.map(({ hint, displayName }) => hint || displayName || 'without a hint');
}

/** The registration has the maximum number of secrets. */
export function isFull(app: Pick<App, 'signInAudience'>, { passwords }: Registered): boolean {
  return isOpenToPersonalAccounts(app) && passwords.length >= PERSONAL_LIMITS.secrets;
}

/** Entra no longer has it, whatever removed it. */
export function isRemoved(response: Removed | ChangeFailure): response is Removed {
  return response.kind === 'removed' || response.kind === 'absent';
}

interface Removed {
  readonly kind: 'removed' | 'absent';
}
