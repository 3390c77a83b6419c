import { AsnParser } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  type Extension,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  KeyUsage,
  KeyUsageFlags,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';

/** Extensions of a certificate (RFC 5280, 4.2), decoded from DER: text forms of names can be forged (CVE-2021-44532). */
export interface CertificateExtensions {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly isCa: boolean;
  /** How many CA certificates may follow it in a chain. */
  readonly pathLength: number;
  /** By its key usage; true if it has none. */
  readonly maySignCertificates: boolean;
  readonly signsCertificatesOrCrls: boolean;
  /** Undefined: it has no extended key usage. */
  readonly isForClients: boolean | undefined;
  /** Critical extensions that this module does not know, and name constraints. */
  readonly unsupported: readonly string[];
}

const KNOWN = new Set<string>([
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
]);

/** Undefined: it is not valid DER, or has an extension twice. */
export function readExtensions(der: Uint8Array): CertificateExtensions | undefined {
  try {
    return decode(AsnParser.parse(der, Certificate).tbsCertificate.extensions ?? []);
  } catch {
    return undefined;
  }
}

function decode(extensions: readonly Extension[]): CertificateExtensions {
  const byId = new Map(extensions.map((extension) => [extension.extnID, extension]));
  if (byId.size !== extensions.length) throw new TypeError('an extension occurs twice');

  function find<Value>(id: string, type: new () => Value): Value | undefined {
    const extension = byId.get(id);
    return extension && AsnParser.parse(extension.extnValue.buffer, type);
  }

  const names = find(id_ce_subjectAltName, SubjectAlternativeName) ?? [];
  const constraints = find(id_ce_basicConstraints, BasicConstraints);
  const usage = find(id_ce_keyUsage, KeyUsage)?.toNumber();
  const purposes = find(id_ce_extKeyUsage, ExtendedKeyUsage);
  return {
    uris: names.flatMap(({ uniformResourceIdentifier: uri }) => uri ?? []),
    dnsNames: names.flatMap(({ dNSName }) => dNSName ?? []),
    isCa: constraints?.cA === true,
    pathLength: constraints?.pathLenConstraint ?? Number.POSITIVE_INFINITY,
    maySignCertificates: usage === undefined || (usage & KeyUsageFlags.keyCertSign) !== 0,
    signsCertificatesOrCrls: ((usage ?? 0) & (KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)) !== 0,
    isForClients: purposes?.includes(id_kp_clientAuth),
    unsupported: extensions
      .filter(({ extnID, critical }) => extnID === id_ce_nameConstraints || (critical && !KNOWN.has(extnID)))
      .map(({ extnID }) => extnID),
  };
}
