import { type Caller, ROLES, roleRule } from '../../model/authenticated_caller.ts';
import { VaultError } from '../../model/errors.ts';
import type { Authenticator } from './authenticator.ts';

/** Without a callers file, every process that reaches the loopback listener has full access. */
export function createLoopbackAuthenticator(): Authenticator {
  const caller: Caller = {
    id: 'loopback',
    kind: 'loopback',
    credentialId: 'none',
    expireTime: undefined,
    rules: ROLES.map((role) => roleRule('loopback', role, ['*'])),
  };
  return {
    known: () => [caller],
    listen: () => () => {},
    recheck: () => caller,
    authenticate({ authorization, certificate }) {
      if (authorization !== undefined || certificate !== undefined)
        throw new VaultError(
          'UNAUTHENTICATED',
          'No callers file is configured, so API keys, tokens and client certificates are not accepted. Send none.',
        );
      return caller;
    },
  };
}
