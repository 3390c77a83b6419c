import { createHash, generateKeyPairSync, type KeyPairKeyObjectResult, sign, X509Certificate } from 'node:crypto';

export interface TestCertificate {
  certificate: string;
  privateKey: string;
  /** Hex, as MSAL expects it. */
  thumbprintSha256: string;
}

/**
 * A self-signed certificate, encoded as DER here, because node:crypto cannot make one (RFC 5280, 4.1). It names the
 * algorithm of RSA keys, whatever its key.
 */
export function makeCertificate(
  startTime: number,
  endTime: number,
  pair: KeyPairKeyObjectResult = generateKeyPairSync('rsa', { modulusLength: 2048 }),
): TestCertificate {
  const rsaWithSha256 = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'));
  const name = sequence(
    tagged(0x31, sequence(Buffer.from('0603550403', 'hex'), tagged(0x0c, Buffer.from('sandbox test')))),
  );
  const body = sequence(
    tagged(0xa0, Buffer.from('020102', 'hex')),
    Buffer.from('020101', 'hex'),
    rsaWithSha256,
    name,
    sequence(time(startTime), time(endTime)),
    name,
    pair.publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = tagged(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, pair.privateKey)]));
  const raw = sequence(body, rsaWithSha256, signature);
  return {
    certificate: new X509Certificate(raw).toString(),
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprintSha256: createHash('sha256').update(raw).digest('hex'),
  };
}

function time(milliseconds: number): Buffer {
  const text = `${new Date(milliseconds).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return tagged(0x18, Buffer.from(text));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const prefix =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(prefix), content]);
}
