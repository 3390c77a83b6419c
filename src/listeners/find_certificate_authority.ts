import type { X509Certificate } from 'node:crypto';
import { readExtensions } from '../certificates/certificate_extensions.ts';
import type { Timestamp } from '../model/clock.ts';

const MAX_INTERMEDIATES = 5;

/**
 * The CA at the end of the certificate's chain, among those that may sign its name. OpenSSL verifies chains with the CAs
 * of all namespaces, and does not report which of them it used, so the chain is verified a second time here. Undefined:
 * there is no such chain.
 */
export function findAuthority(
  leaf: X509Certificate,
  presented: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  now: Timestamp,
): X509Certificate | undefined {
  let current = leaf;
  for (let below = 0; below <= MAX_INTERMEDIATES; below += 1) {
    const child = current;
    const authority = authorities.find((one) => isValid(one, now) && isIssuer(one, child));
    if (authority !== undefined) return authority;
    const next = presented.find((one) => isValid(one, now) && isIssuer(one, child) && isIntermediate(one, below));
    if (next === undefined) return undefined;
    current = next;
  }
  return undefined;
}

function isIssuer(issuer: X509Certificate, child: X509Certificate): boolean {
  return child.checkIssued(issuer) && child.verify(issuer.publicKey);
}

/** `below`: CA certificates between it and the leaf. */
function isIntermediate(certificate: X509Certificate, below: number): boolean {
  const extensions = readExtensions(certificate.raw);
  if (extensions === undefined || extensions.unsupported.length > 0) return false;
  const { isCa, pathLength, maySignCertificates, isForClients } = extensions;
  return isCa && pathLength >= below && maySignCertificates && isForClients !== false;
}

function isValid({ validFromDate, validToDate }: X509Certificate, now: Timestamp): boolean {
  return validFromDate.getTime() <= now && now < validToDate.getTime();
}
