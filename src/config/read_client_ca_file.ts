import { X509Certificate } from 'node:crypto';
import { fieldInvalid } from '../model/errors.ts';

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

/** The CA certificates of a file in PEM. FIELD_INVALID: it has none, or something else. */
export function readClientCas(text: string, file: string): readonly X509Certificate[] {
  const blocks = [...text.matchAll(PEM)];
  // A file that is cut off ends within a block.
  if (blocks.length === 0 || blocks.length !== text.split('-----BEGIN ').length - 1)
    throw fieldInvalid(file, 'It must have complete CA certificates in PEM. Write the file again.');
  const cas = blocks.map(([pem, label], at) => {
    const certificate = label === 'CERTIFICATE' ? parse(pem) : undefined;
    if (certificate?.ca === true) return certificate;
    throw fieldInvalid(file, `Its PEM block ${at + 1} is no CA certificate. Remove or replace it.`);
  });
  // A TLS server of Node has no partial chains: without its root, no certificate of an intermediate CA is valid.
  const orphan = cas.findIndex((ca) => !cas.some((other) => ca.checkIssued(other)));
  if (orphan >= 0)
    throw fieldInvalid(file, `The CA in its PEM block ${orphan + 1} is not a root. Add the CA that signed it.`);
  return [...new Map(cas.map((ca) => [ca.fingerprint256, ca])).values()];
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
