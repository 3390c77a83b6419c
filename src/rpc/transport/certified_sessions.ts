import type { ServerHttp2Session } from 'node:http2';
import { type ClientSocket, readClientCertificate } from '../../listeners/read_client_certificate.ts';
import type { ClientCertificate } from '../../model/client_certificate.ts';
import { type ClientTrustSource, isTrusted } from '../../model/client_trust.ts';
import { type Duration, MINUTE, type Timestamp } from '../../model/clock.ts';
import { drainSession } from './drain_session.ts';

/** Client certificates of the sessions of one listener. */
export interface CertifiedSessions {
  /** When a session begins. Undefined: its client presents none. */
  read(session: ServerHttp2Session): ClientCertificate | undefined;
}

/** Drains the sessions whose certificates are not trusted any more after the CAs changed. */
export function createCertifiedSessions(trust: ClientTrustSource | undefined): CertifiedSessions {
  const certificates = new Map<ServerHttp2Session, ClientCertificate>();
  trust?.listen(() => {
    for (const [session, certificate] of certificates)
      if (!isTrusted(trust.current, certificate)) drainSession(session, 'client_ca');
  });
  return {
    read(session) {
      if (trust === undefined) return undefined;
      const certificate = readClientCertificate(session.socket as unknown as ClientSocket, trust.current);
      if (certificate === undefined) return undefined;
      certificates.set(session, certificate);
      session.once('close', () => certificates.delete(session));
      return certificate;
    },
  };
}

/** Its client may have a valid certificate by then. */
const INVALID: Duration = MINUTE;

/** How long the session may last, so that its client reconnects with its next certificate before this one expires. */
export function lifetimeOf(certificate: ClientCertificate | undefined, now: Timestamp): Duration {
  if (certificate === undefined) return Number.POSITIVE_INFINITY;
  return certificate.fault === undefined ? Math.max(0, 0.9 * (certificate.expireTime - now)) : INVALID;
}
