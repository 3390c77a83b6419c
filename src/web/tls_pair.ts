import { readFileSync } from 'node:fs';

/** PEM; the leaf first, then its chain. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export function readTlsPair(files: { readonly certFile: string; readonly keyFile: string }): TlsPair {
  return { cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') };
}
