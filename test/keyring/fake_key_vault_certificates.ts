import { constants, createHash, createPrivateKey, privateEncrypt, randomBytes, X509Certificate } from 'node:crypto';
import { makeCertificate } from '../sandbox/certificate.ts';
import { ORIGIN } from './fake_key_vault.ts';

/** A version of a certificate, with its key of the same name and version. */
export interface FakeCertificate {
  name: string;
  version: string;
  /** PEM. */
  certificate: string;
  privateKey: string;
  enabled?: boolean;
  /** Default: that of this certificate. */
  kid?: string;
  /** Its public part, in base64; undefined: it is not issued yet. Default: of the certificate. */
  cer?: string | undefined;
}

export function fakeCertificate(name: string, version: string, startTime: number, endTime: number): FakeCertificate {
  return { name, version, ...makeCertificate(startTime, endTime) };
}

const kidOf = ({ name, version, kid }: FakeCertificate) => kid ?? `${ORIGIN}/keys/${name}/${version}`;

/** https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate */
export function describeCertificate(one: FakeCertificate) {
  const { raw, fingerprint, validFromDate, validToDate } = new X509Certificate(one.certificate);
  const seconds = (time: Date) => Math.floor(time.getTime() / 1_000);
  return {
    id: `${ORIGIN}/certificates/${one.name}/${one.version}`,
    kid: kidOf(one),
    sid: `${ORIGIN}/secrets/${one.name}/${one.version}`,
    x5t: Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url'),
    cer: 'cer' in one ? one.cer : raw.toString('base64'),
    attributes: { enabled: one.enabled ?? true, nbf: seconds(validFromDate), exp: seconds(validToDate) },
  };
}

/**
 * Signs a digest as Key Vault does, which gets no more than the digest: RS256 by EMSA-PKCS1-v1_5 (RFC 8017, 9.2), PS256 by
 * EMSA-PSS (9.1.1). Undefined: it refuses the parameters. https://learn.microsoft.com/rest/api/keyvault/keys/sign
 */
export function signDigest(one: FakeCertificate, { alg, value }: { alg: string; value: string }) {
  const digest = Buffer.from(value, 'base64url');
  if (!['PS256', 'RS256'].includes(alg) || digest.length !== HASH) return undefined;
  const key = createPrivateKey(one.privateKey);
  if (alg === 'RS256') {
    const encoded = Buffer.concat([SHA256_INFO, digest]);
    const signature = privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encoded);
    return { kid: kidOf(one), value: signature.toString('base64url') };
  }
  const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const salt = randomBytes(HASH);
  const hash = sha256(Buffer.alloc(8), digest, salt);
  const block = Buffer.concat([Buffer.alloc(length - 2 * HASH - 2), Buffer.of(1), salt]);
  const masked = block.map((byte, index) => byte ^ (maskOf(hash, block.length)[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  const encoded = Buffer.concat([masked, hash, Buffer.of(0xbc)]);
  const signature = privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
  return { kid: kidOf(one), value: signature.toString('base64url') };
}

/** The DER of DigestInfo before a SHA-256 digest. */
const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');
const HASH = 32;

function sha256(...parts: Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** MGF1 (RFC 8017, B.2.1). */
function maskOf(seed: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / HASH) }, (_, index) =>
    sha256(seed, Buffer.of(0, 0, 0, index)),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
