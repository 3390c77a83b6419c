import type { Caller, KnownCallers, KnownCertificate } from '../../model/authenticated_caller.ts';
import type { ClientCertificate } from '../../model/client_certificate.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

type Certificates = Pick<KnownCallers, 'certificates'>;

/** Callers by client certificate. The caller of a session is found at its first call, and remembered. */
export function createCertificateAuthenticator(source: { readonly current: Certificates }, clock: Clock) {
  let used: Certificates | undefined;
  let bySubject: ReadonlyMap<string, KnownCertificate> = new Map();
  let callerOf = new WeakMap<ClientCertificate, Caller>();

  function use(callers: Certificates): void {
    used = callers;
    bySubject = new Map(callers.certificates.map((known) => [known.subject, known]));
    callerOf = new WeakMap();
  }

  /** UNAUTHENTICATED unless the certificate is valid now, whether a caller has it or not. */
  function check({ fault, expireTime }: ClientCertificate): void {
    if (fault !== undefined) throw unauthenticated(`The client certificate is not valid: ${fault}`);
    if (expireTime <= clock.now())
      throw unauthenticated('The client certificate has expired. Renew it, and reconnect.');
  }

  return {
    check,
    /** UNAUTHENTICATED */
    authenticate(certificate: ClientCertificate): Caller {
      check(certificate);
      if (source.current !== used) use(source.current);
      let caller = callerOf.get(certificate);
      if (caller === undefined) {
        const known = bySubject.get(certificate.subject);
        if (known === undefined)
          throw unauthenticated('No caller has this client certificate. Ask the operator of the vault to add it.');
        caller = { ...known.caller, expireTime: certificate.expireTime };
        callerOf.set(certificate, caller);
      }
      return caller;
    },
  };
}

function unauthenticated(message: string): VaultError {
  return new VaultError('UNAUTHENTICATED', message);
}
