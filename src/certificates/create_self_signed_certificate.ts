import { generateKeyPair, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { SECOND, type Timestamp } from '../model/clock.ts';
import { createKeyedMutex } from '../model/keyed_mutex.ts';
import { Secret } from '../model/secret.ts';

export interface CertificateWish {
  readonly commonName: string;
  readonly notBefore: Timestamp;
  readonly expireTime: Timestamp;
}

/** The dates are those of the certificate, in whole seconds. */
export interface SelfSignedCertificate extends Omit<CertificateWish, 'commonName'> {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256, hex in upper case, as the portal shows thumbprints. */
  readonly thumbprint: string;
  /** PEM, PKCS#8. */
  readonly privateKey: Secret;
}

/** As strong as AES-128; Entra accepts 2048 to 4096. */
const MODULUS_BITS = 3_072;
/** RFC 5280, 4.1.2.2: at most 20 octets, positive. */
const SERIAL_BYTES = 16;
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const COMMON_NAME = '2.5.4.3';

const generate = promisify(generateKeyPair);
/** A key takes up to seconds of a thread, and exchanges sign in the same few threads. */
const oneAtATime = createKeyedMutex<KeyPair>();

type KeyPair = Readonly<Record<'publicKey' | 'privateKey', KeyObject>>;

/** A new RSA key pair with a certificate (RFC 5280) that only signs; Entra trusts it because the app registration lists it. */
export async function createSelfSignedCertificate(wish: CertificateWish): Promise<SelfSignedCertificate> {
  const { publicKey, privateKey } = await oneAtATime('rsa', () => generate('rsa', { modulusLength: MODULUS_BITS }));
  const notBefore = wholeSeconds(wish.notBefore);
  const expireTime = wholeSeconds(wish.expireTime);
  const tbsCertificate = toBeSigned({ ...wish, notBefore, expireTime }, publicKey);
  const signatureValue = bytes(sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), privateKey));
  const signed = new Certificate({ tbsCertificate, signatureAlgorithm: algorithm(), signatureValue });
  const certificate = new X509Certificate(Buffer.from(AsnConvert.serialize(signed)));
  return {
    certificate: certificate.toString(),
    thumbprint: certificate.fingerprint256.replaceAll(':', ''),
    privateKey: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    notBefore,
    expireTime,
  };
}

function toBeSigned({ commonName, notBefore, expireTime }: CertificateWish, publicKey: KeyObject): TBSCertificate {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const name = nameOf(commonName);
  return new TBSCertificate({
    version: Version.v3,
    serialNumber: bytes(serial),
    signature: algorithm(),
    issuer: name,
    subject: name,
    validity: new Validity({ notBefore: new Date(notBefore), notAfter: new Date(expireTime) }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: new Extensions([
      extension(id_ce_basicConstraints, new BasicConstraints()),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature)),
    ]),
  });
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function extension(extnID: string, value: object): Extension {
  return new Extension({ extnID, critical: true, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function algorithm(): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: SHA256_WITH_RSA, parameters: null });
}

function bytes(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}

function wholeSeconds(time: Timestamp): Timestamp {
  return Math.floor(time / SECOND) * SECOND;
}
