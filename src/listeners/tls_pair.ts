import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { VaultError } from '../model/errors.ts';

export interface TlsFiles {
  /** PEM: the leaf first, then its chain. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** PEM; the leaf first, then its chain. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** FIELD_INVALID where a file cannot be read, or the two do not belong together. */
export async function readTlsPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  const [cert, key] = await Promise.all([read(certFile), read(keyFile)]);
  try {
    // Halfway through a renewal one file is new and the other old, or empty, which a TLS server would take for none.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key is another one');
  } catch (cause) {
    throw new VaultError(
      'FIELD_INVALID',
      `The TLS key ${keyFile} and the certificate ${certFile} cannot be used together; write both anew, in PEM`,
      { metadata: { field: 'tls' }, cause },
    );
  }
  return { cert, key };
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause) => {
    throw new VaultError('FIELD_INVALID', `The TLS file ${file} cannot be read; check that it exists and who may`, {
      metadata: { field: 'tls', file },
      cause,
    });
  });
}
