import { createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { readExtensions } from '../../src/certificates/certificate_extensions.ts';
import { createSelfSignedCertificate } from '../../src/certificates/create_self_signed_certificate.ts';

const START = Date.UTC(2026, 10, 30, 12, 0, 0, 750);

test('a certificate has a key of its own, its dates in whole seconds, and only signs', async () => {
  const wish = { commonName: 'token-vault 0123456789', notBefore: START, expireTime: Date.UTC(2051, 0, 1) };
  const made = await createSelfSignedCertificate(wish);
  const certificate = new X509Certificate(made.certificate);
  expect(certificate.subject).toBe('CN=token-vault 0123456789');
  expect(certificate.issuer).toBe(certificate.subject);
  expect(certificate.validFromDate.getTime()).toBe(START - 750);
  // From 2050 on as GeneralizedTime (RFC 5280, 4.1.2.5).
  expect(certificate.validToDate.getTime()).toBe(wish.expireTime);
  expect(made).toMatchObject({ notBefore: START - 750, expireTime: wish.expireTime });
  expect(made.thumbprint).toBe(certificate.fingerprint256.replaceAll(':', ''));
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(readExtensions(certificate.raw)).toMatchObject({ isCa: false, maySignCertificates: false, unsupported: [] });

  const key = made.privateKey.privateKey();
  if (key === undefined) throw new TypeError('no key');
  expect(certificate.checkPrivateKey(key)).toBe(true);
  const text = Buffer.from('an assertion');
  expect(verify('sha256', text, createPublicKey(made.certificate), sign('sha256', text, key))).toBe(true);
});

test('each certificate has another key and another serial number, and none shows its key', async () => {
  const wish = { commonName: 'twice', notBefore: START, expireTime: START + 86_400_000 };
  const [one, other] = await Promise.all([createSelfSignedCertificate(wish), createSelfSignedCertificate(wish)]);
  expect(new X509Certificate(one.certificate).serialNumber).not.toBe(
    new X509Certificate(other.certificate).serialNumber,
  );
  expect(one.privateKey.sha256()).not.toBe(other.privateKey.sha256());
  expect(JSON.stringify(one)).not.toContain('PRIVATE KEY');
});
