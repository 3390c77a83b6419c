import type { NotDone } from '../../entra/app_registrations.ts';
import type { RotationObstacle } from '../../model/rotation_move.ts';

/** What Graph's answer means to a rotation. */
export function obstacleOf(answer: NotDone): RotationObstacle {
  const kind = 'hindered';
  switch (answer.kind) {
    case 'no_directory':
      return { kind, problem: 'NO_DIRECTORY' };
    case 'not_found':
      return { kind, problem: 'NOT_FOUND', code: answer.code };
    case 'forbidden':
      return { kind, problem: 'PERMISSION', code: answer.code, permission: answer.permission };
    case 'refused':
      return { kind, problem: 'POLICY', code: answer.code };
    case 'unavailable':
      return { kind, problem: 'UNAVAILABLE', code: answer.code, retryAfter: answer.retryAfter };
  }
}

/** Entra does not have it any more, whoever took it away. */
export function isTakenAway(answer: TakenAway | NotDone): answer is TakenAway {
  return answer.kind === 'removed' || answer.kind === 'absent';
}

interface TakenAway {
  readonly kind: 'removed' | 'absent';
}
