import type { Reason } from '../model/errors.ts';

const IN_PASSING: ReadonlySet<Reason> = new Set<Reason>([
  'ENTRA_UNAVAILABLE',
  'ENTRA_THROTTLED',
  'APP_CREDENTIAL_PROPAGATING',
  'DATABASE_UNAVAILABLE',
  'KEY_SOURCE_UNAVAILABLE',
  'OVERLOADED',
  'STATE_INVALID',
]);

/** Nobody's doing and soon over: the link stays good, so that its button can be pressed again. STATE_INVALID: another attempt was faster. */
export function isInPassing(reason: Reason): boolean {
  return IN_PASSING.has(reason);
}
