import { VaultError } from '../model/errors.ts';

/** One answer for unknown, used, expired and another connection's: whoever tries them out learns nothing. */
export function stateInvalid(what: 'state' | 'confirmation' | 'link'): VaultError {
  return new VaultError(
    'STATE_INVALID',
    `the ${what} is unknown, used, expired or another connection's; start the authorization again`,
  );
}
