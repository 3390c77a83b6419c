import type { Caller, KnownCallers, KnownCertificate } from '../../model/authenticated_caller.ts';
import type { ClientCertificate } from '../../model/client_certificate.ts';
import { type ClientTrust, type ClientTrustSource, isTrusted } from '../../model/client_trust.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

type Certificates = Pick<KnownCallers, 'certificates'>;

/** Callers by client certificate. What is found out about the certificate of a session is remembered. */
export interface CertificateAuthenticator {
  /** UNAUTHENTICATED unless the certificate is valid now, whether a caller has it or not. */
  check(certificate: ClientCertificate): void;
  /** UNAUTHENTICATED */
  authenticate(certificate: ClientCertificate): Caller;
}

export function createCertificateAuthenticator(
  source: { readonly current: Certificates },
  trust: Pick<ClientTrustSource, 'current'>,
  clock: Clock,
): CertificateAuthenticator {
  let used: Certificates | undefined;
  let usedTrust: ClientTrust | undefined;
  let bySubject: ReadonlyMap<string, KnownCertificate> = new Map();
  let remembered = new WeakMap<ClientCertificate, Finding>();

  function use(callers: Certificates, current: ClientTrust): void {
    used = callers;
    usedTrust = current;
    bySubject = new Map(callers.certificates.map((known) => [known.subject, known]));
    remembered = new WeakMap();
  }

  function find(certificate: ClientCertificate): Finding {
    if (source.current !== used || trust.current !== usedTrust) use(source.current, trust.current);
    let finding = remembered.get(certificate);
    if (finding === undefined) {
      const fault = certificate.fault ?? (isTrusted(trust.current, certificate) ? undefined : NOT_TRUSTED);
      const known = bySubject.get(certificate.subject);
      finding = { fault, caller: known && { ...known.caller, expireTime: certificate.expireTime } };
      remembered.set(certificate, finding);
    }
    return finding;
  }

  function check(certificate: ClientCertificate): Finding {
    const finding = find(certificate);
    if (finding.fault !== undefined) throw invalid(finding.fault);
    if (certificate.expireTime <= clock.now()) throw unauthenticated(EXPIRED);
    return finding;
  }

  return {
    check,
    authenticate(certificate) {
      const { caller } = check(certificate);
      if (caller === undefined) throw unauthenticated(UNKNOWN);
      return caller;
    },
  };
}

interface Finding {
  readonly fault: string | undefined;
  /** Undefined: no caller has this name. */
  readonly caller: Caller | undefined;
}

const NOT_TRUSTED = 'Its CA is not trusted any more.';
const EXPIRED = 'The client certificate has expired. Renew it, and connect again.';
const UNKNOWN = 'No caller has the name in this client certificate. Ask the operator of the vault to add it.';

function invalid(fault: string): VaultError {
  return unauthenticated(`The client certificate is not valid. ${fault} Connect with a valid one.`);
}

function unauthenticated(message: string): VaultError {
  return new VaultError('UNAUTHENTICATED', message);
}
