import { VaultError } from '../model/errors.ts';

/** The same error for an unknown, used or expired value and for one of another connection, so that guessing reveals nothing. */
export function stateInvalid(what: 'state' | 'confirmation' | 'link'): VaultError {
  return new VaultError(
    'STATE_INVALID',
    `The ${what} is unknown, used, expired or another connection's. Start the authorization again.`,
  );
}
