import { type KeyObject, X509Certificate } from 'node:crypto';
import type { CredentialMaterial } from '../model/app_credential.ts';
import type { Timestamp } from '../model/clock.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

const MOST_CERTIFICATES = 8;
const LONGEST = 32_768;
const SHORT = /^.{0,32768}$/s;
const LEAST_BITS = 2_048;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

export interface ReadCertificate {
  readonly material: Extract<CredentialMaterial, { kind: 'CERTIFICATE' }>;
  /** SHA-256 thumbprint, hex in upper case, as the portal shows thumbprints. */
  readonly hint: string;
  readonly notBefore: Timestamp;
  readonly expireTime: Timestamp;
}

/** A certificate chain with the key of its first certificate. FIELD_INVALID names the wrong part. */
export function readCertificate(certificatePem: string, privateKeyPem: Secret, field: string): ReadCertificate {
  const [leaf, ...chain] = readChain(certificatePem, `${field}.certificate_pem`);
  const key = readKey(privateKeyPem, `${field}.private_key_pem`);
  if (!leaf.checkPrivateKey(key)) {
    throw chain.some((certificate) => certificate.checkPrivateKey(key))
      ? fieldInvalid(
          `${field}.certificate_pem`,
          'must begin with the certificate of the private key, followed by its chain',
        )
      : fieldInvalid(`${field}.private_key_pem`, 'does not match the certificate');
  }
  return {
    material: {
      kind: 'CERTIFICATE',
      certificateChain: [leaf, ...chain].map((certificate) => certificate.toString()).join(''),
      privateKey: privateKeyPem,
    },
    hint: leaf.fingerprint256.replaceAll(':', ''),
    notBefore: leaf.validFromDate.getTime(),
    expireTime: leaf.validToDate.getTime(),
  };
}

function readChain(pem: string, field: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.length > LONGEST ? [] : (pem.match(PEM) ?? []);
  if (pem.includes('PRIVATE KEY'))
    throw fieldInvalid(field, 'must contain only certificates. Put the key into private_key_pem.');
  if (blocks.length > MOST_CERTIFICATES)
    throw fieldInvalid(field, `must contain at most ${MOST_CERTIFICATES} certificates`);
  let certificates: X509Certificate[];
  try {
    certificates = blocks.map((block) => new X509Certificate(block));
  } catch {
    throw fieldInvalid(field, 'contains an invalid certificate');
  }
  const [leaf, ...chain] = certificates;
  if (leaf === undefined)
    throw fieldInvalid(field, 'must be PEM (-----BEGIN CERTIFICATE-----), the certificate first, then its chain');
  return [leaf, ...chain];
}

function readKey(pem: Secret, field: string): KeyObject {
  const key = pem.matches(SHORT) ? pem.privateKey() : undefined;
  if (key === undefined) throw fieldInvalid(field, 'must be an unencrypted private key in PEM, PKCS#8 or PKCS#1');
  // Entra accepts only RS256 and PS256 assertions.
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_BITS) {
    throw fieldInvalid(field, `must be an RSA key of at least ${LEAST_BITS} bits`);
  }
  return key;
}
