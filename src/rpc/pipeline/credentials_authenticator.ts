import { callersOf, type KnownCallers } from '../../model/authenticated_caller.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import { createKeyAuthenticator } from './api_key_authenticator.ts';
import type { Authenticator } from './authenticator.ts';
import { createCertificateAuthenticator } from './certificate_authenticator.ts';

/** The callers in use, which a change of the callers file replaces. */
export interface CallersSource extends Pick<Authenticator, 'listen'> {
  readonly current: KnownCallers;
}

/** Callers by their credentials. If there is an `authorization` header, it decides (ADR 35). */
export function createCredentialsAuthenticator(source: CallersSource, clock: Clock): Authenticator {
  const keys = createKeyAuthenticator(source, clock);
  const certificates = createCertificateAuthenticator(source, clock);

  return {
    known: () => callersOf(source.current),
    listen: source.listen,
    authenticate({ authorization, certificate }) {
      if (authorization === undefined && certificate !== undefined) return certificates.authenticate(certificate);
      if (certificate !== undefined) certificates.check(certificate);
      if (authorization !== undefined) return keys.authenticate(authorization);
      throw new VaultError(
        'UNAUTHENTICATED',
        'The call has no credential. Send an API key as `authorization: Bearer tv1_…`, or present a client certificate.',
      );
    },
  };
}
