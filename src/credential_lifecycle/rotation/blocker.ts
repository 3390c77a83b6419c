import type { Registered, RegistrationFailure } from '../../entra/app_registrations.ts';
import { type App, isOpenToPersonalAccounts, PERSONAL_LIMITS } from '../../model/app.ts';
import type { RotationBlocker } from '../../model/rotation_transition.ts';

/** https://github.com/microsoft/coe-starter-kit/issues/3695 */
const NO_PLACE = 'TooManyAppPasswords';

/** What Graph's answer means to a rotation. */
export function blockerOf(answer: RegistrationFailure): RotationBlocker {
  const kind = 'hindered';
  switch (answer.kind) {
    case 'no_directory':
      return { kind, problem: 'NO_DIRECTORY' };
    case 'not_found':
      return { kind, problem: 'NOT_FOUND', code: answer.code };
    case 'forbidden':
      return { kind, problem: 'PERMISSION', code: answer.code, permission: answer.permission };
    case 'refused':
      return { kind, problem: answer.code === NO_PLACE ? 'LIMIT' : 'POLICY', code: answer.code };
    case 'unavailable':
      return { kind, problem: 'UNAVAILABLE', code: answer.code, retryAfter: answer.retryAfter };
  }
}

/** Of those that the registration has; Graph shows none of an old one. */
export function hintsOf({ passwords }: Registered): readonly string[] {
  return passwords.map(({ hint, displayName }) => hint || displayName || 'without a hint');
}

/** The registration has as many secrets as it may have. */
export function isFull(app: Pick<App, 'signInAudience'>, { passwords }: Registered): boolean {
  return isOpenToPersonalAccounts(app) && passwords.length >= PERSONAL_LIMITS.secrets;
}

/** Entra does not have it any more, whoever took it away. */
export function isTakenAway(answer: TakenAway | RegistrationFailure): answer is TakenAway {
  return answer.kind === 'removed' || answer.kind === 'absent';
}

interface TakenAway {
  readonly kind: 'removed' | 'absent';
}
