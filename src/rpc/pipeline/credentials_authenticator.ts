import type { TokenIssuers } from '../../caller_tokens/token_issuers.ts';
import { type Caller, callersOf, type KnownCallers } from '../../model/authenticated_caller.ts';
import type { ClientTrustSource } from '../../model/client_trust.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import { createKeyAuthenticator } from './api_key_authenticator.ts';
import type { Authenticator, Presented } from './authenticator.ts';
import { createCertificateAuthenticator } from './certificate_authenticator.ts';
import { createTokenAuthenticator, hasToken } from './token_authenticator.ts';

/** The callers in use, which a change of the callers file replaces. */
export interface CallersSource extends Pick<Authenticator, 'listen'> {
  readonly current: KnownCallers;
}

/** Callers by their credentials. If there is an `authorization` header, it decides (ADR 35). */
export function createCredentialsAuthenticator(
  source: CallersSource,
  issuers: TokenIssuers,
  clientTrust: ClientTrustSource | undefined,
  clock: Clock,
): Authenticator {
  const keys = createKeyAuthenticator(source, clock);
  const certificates = createCertificateAuthenticator(source, clientTrust ?? { current: new Map() }, clock);
  const tokens = createTokenAuthenticator(source, issuers, clock);
  const useIssuers = () => issuers.use(source.current.issuers);
  useIssuers();
  source.listen(useIssuers);

  /** One that is not a token. */
  function authenticateNow({ authorization, certificate }: Presented): Caller {
    if (authorization !== undefined) return keys.authenticate(authorization);
    if (certificate !== undefined) return certificates.authenticate(certificate);
    throw new VaultError('UNAUTHENTICATED', NOTHING_PRESENTED);
  }

  return {
    known: () => callersOf(source.current),
    listen(listener) {
      const stops = [source.listen(listener), clientTrust?.listen(listener)];
      return () => {
        for (const stop of stops) stop?.();
      };
    },
    authenticate(presented) {
      const { authorization, certificate, connection = '' } = presented;
      if (certificate !== undefined) certificates.check(certificate);
      if (authorization !== undefined && hasToken(authorization)) return tokens.authenticate(authorization, connection);
      return authenticateNow(presented);
    },
    recheck(presented, caller) {
      if (presented.certificate !== undefined) certificates.check(presented.certificate);
      return tokens.recheck(caller) ?? authenticateNow(presented);
    },
  };
}

const NOTHING_PRESENTED =
  'The call has no credential. Send an API key as `authorization: Bearer tv1_…`, or a token, or present a client certificate.';
