import type { Registered, RegistrationFailure } from '../../entra/app_registrations_interface.ts';
import { type App, isOpenToPersonalAccounts, PERSONAL_LIMITS } from '../../model/entra_app.ts';
import type { RotationBlocker } from '../../model/secret_rotation_transition.ts';

/** https://github.com/microsoft/coe-starter-kit/issues/3695 */
const TOO_MANY_SECRETS = 'TooManyAppPasswords';

/** The blocker of a rotation that a failed request to Graph means. */
export function blockerOf(response: RegistrationFailure): RotationBlocker {
  const kind = 'blocked';
  switch (response.kind) {
    case 'no_directory':
      return { kind, problem: 'NO_DIRECTORY' };
    case 'not_found':
      return { kind, problem: 'NOT_FOUND', code: response.code };
    case 'forbidden':
      return { kind, problem: 'PERMISSION', code: response.code, permission: response.permission };
    case 'refused':
      return { kind, problem: response.code === TOO_MANY_SECRETS ? 'LIMIT' : 'POLICY', code: response.code };
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
export function isRemoved(response: Removed | RegistrationFailure): response is Removed {
  return response.kind === 'removed' || response.kind === 'absent';
}

interface Removed {
  readonly kind: 'removed' | 'absent';
}
