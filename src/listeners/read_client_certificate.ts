import type { TLSSocket } from 'node:tls';
import { type CertificateExtensions, readExtensions } from '../certificates/certificate_extensions.ts';
import type { ClientCertificate } from '../model/client_certificate.ts';
import { type ClientTrust, namespaceOf } from '../model/client_trust.ts';
import { isDnsName } from '../model/dns_name.ts';
import { parseSpiffeId } from '../model/spiffe_id.ts';
import { findAuthority } from './find_certificate_authority.ts';
import { presentedChain } from './presented_chain.ts';

/** The side of a connection that its client presents. */
export type ClientSocket = Pick<
  TLSSocket,
  'authorized' | 'authorizationError' | 'getPeerX509Certificate' | 'getPeerCertificate'
>;

/** Names in certificates can have any length. Logs keep the length of a SPIFFE id. */
const MAX_SUBJECT = 2_048;

/** The client certificate of a TLS connection after its handshake. Undefined: it has none. */
export function readClientCertificate(socket: ClientSocket, trust: ClientTrust): ClientCertificate | undefined {
  const chain = presentedChain(socket);
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  const extensions = readExtensions(leaf.raw);
  const subject = claimedSubject(extensions);
  const about = { subject, expireTime: leaf.validToDate.getTime() };
  const fault = extensions === undefined ? 'It cannot be decoded.' : formFault(extensions);
  if (fault !== undefined) return { ...about, fault, authority: undefined };
  if (!socket.authorized)
    return { ...about, fault: `TLS reports ${String(socket.authorizationError)}.`, authority: undefined };
  const namespace = namespaceOf(subject);
  const authority = findAuthority(leaf, chain, trust.get(namespace) ?? [], Date.now());
  return authority === undefined
    ? { ...about, fault: `No CA that may sign names of ${namespace} has signed it.`, authority: undefined }
    : { ...about, fault: undefined, authority: authority.fingerprint256 };
}

/** SPIFFE X.509-SVID, sections 2 and 4; or exactly one DNS name. Undefined: the form is valid. */
function formFault(extensions: CertificateExtensions): string | undefined {
  const { uris, dnsNames, isCa, signsCertificatesOrCrls, isForClients } = extensions;
  if (isCa || signsCertificatesOrCrls) return 'It is that of a CA.';
  if (isForClients !== true) return 'Its extended key usage lacks clientAuth.';
  if (uris.length > 1) return 'It has more than one URI name.';
  const [uri] = uris;
  if (uri !== undefined) return parseSpiffeId(uri) === undefined ? 'Its URI name is no SPIFFE id.' : undefined;
  const [dnsName] = dnsNames;
  if (dnsName === undefined || dnsNames.length > 1) return 'It has neither a URI name nor exactly one DNS name.';
  return isDnsName(dnsName) ? undefined : 'Its DNS name is not a full host name in lower case.';
}

/** A SPIFFE id may have DNS names beside it (X.509-SVID, section 2). */
function claimedSubject(extensions: CertificateExtensions | undefined): string {
  const { uris = [], dnsNames = [] } = extensions ?? {};
  const names = uris.length > 0 ? uris : dnsNames;
  return names.join(' ').slice(0, MAX_SUBJECT).toWellFormed();
}
