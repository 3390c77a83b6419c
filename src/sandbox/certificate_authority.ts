import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** A certificate with its key, and those of its CAs except the root. */
export interface Issued {
  readonly pem: string;
  readonly key: string;
  /** The certificate first, then those of its CAs. */
  readonly chain: string;
}

export interface Authority extends Issued {
  issue(certificate?: Partial<Wish>): Issued;
  issueAuthority(name: string, wish?: Partial<Wish>): Authority;
}

export interface Wish {
  readonly names: readonly { readonly uri?: string; readonly dns?: string; readonly ip?: string }[];
  readonly ca: boolean;
  readonly pathLength: number | undefined;
  /** Object id of an empty critical extension. */
  readonly critical: string | undefined;
  readonly keyUsage: number;
  readonly purposes: readonly string[];
  readonly from: number;
  readonly until: number;
}

const HOUR = 3_600_000;
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';

const WORKLOAD = (): Wish => ({
  names: [],
  ca: false,
  pathLength: undefined,
  critical: undefined,
  keyUsage: KeyUsageFlags.digitalSignature,
  purposes: [id_kp_clientAuth],
  from: Date.now() - HOUR,
  until: Date.now() + HOUR,
});

const AUTHORITY = (): Wish => ({
  ...WORKLOAD(),
  ca: true,
  keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
  purposes: [],
  until: Date.now() + 24 * HOUR,
});

/** A root CA. */
export function makeAuthority(name: string, wish: Partial<Wish> = {}): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = encode({ ...AUTHORITY(), ...wish }, name, pair.publicKey, name, pair.privateKey);
  return authority(name, pem, pair.privateKey, '');
}

function authority(name: string, pem: string, key: KeyObject, above: string): Authority {
  const certify = (subject: string, wish: Wish) => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { pair, issued: encode(wish, subject, pair.publicKey, name, key) };
  };
  return {
    pem,
    key: pemOf(key),
    chain: pem,
    issue(wish) {
      const { pair, issued } = certify('workload', { ...WORKLOAD(), ...wish });
      return { pem: issued, key: pemOf(pair.privateKey), chain: issued + above };
    },
    issueAuthority(subject, wish) {
      const { pair, issued } = certify(subject, { ...AUTHORITY(), ...wish });
      return authority(subject, issued, pair.privateKey, issued + above);
    },
  };
}

/** By the ASN.1 schema of RFC 5280, because node:crypto cannot make certificates. */
function encode(wish: Wish, subject: string, publicKey: KeyObject, issuer: string, issuerKey: KeyObject): string {
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: new Uint8Array([1, ...randomBytes(8)]).buffer,
    signature: algorithm(),
    issuer: named(issuer),
    validity: new Validity({ notBefore: new Date(wish.from), notAfter: new Date(wish.until) }),
    subject: named(subject),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: extensionsOf(wish),
  });
  const certificate = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm: algorithm(),
    signatureValue: bytes(sign('sha256', Buffer.from(AsnConvert.serialize(body)), issuerKey)),
  });
  const base64 = Buffer.from(AsnConvert.serialize(certificate)).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensionsOf({ names, ca, pathLength, critical, keyUsage, purposes }: Wish): Extensions {
  const generalNames = names.map(
    ({ uri, dns, ip }) =>
      new GeneralName({
        ...(uri !== undefined && { uniformResourceIdentifier: uri }),
        ...(dns !== undefined && { dNSName: dns }),
        ...(ip !== undefined && { iPAddress: ip }),
      }),
  );
  return new Extensions([
    extension(
      id_ce_basicConstraints,
      new BasicConstraints({ cA: ca, ...(pathLength !== undefined && { pathLenConstraint: pathLength }) }),
    ),
    extension(id_ce_keyUsage, new KeyUsage(keyUsage)),
    ...(critical === undefined
      ? []
      : [new Extension({ extnID: critical, critical: true, extnValue: new OctetString([48, 0]) })]),
    ...(purposes.length === 0 ? [] : [extension(id_ce_extKeyUsage, new ExtendedKeyUsage([...purposes]))]),
    ...(names.length === 0 ? [] : [extension(id_ce_subjectAltName, new SubjectAlternativeName(generalNames))]),
  ]);
}

function extension(extnID: string, value: unknown): Extension {
  return new Extension({ extnID, critical: false, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function algorithm(): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
}

function named(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function bytes(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
