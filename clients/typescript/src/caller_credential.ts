import { readFile } from 'node:fs/promises';
import { Metadata } from '@grpc/grpc-js';
import { TokenVaultError } from './token_vault_error.ts';
import type { TokenVaultOptions } from './vault_options.ts';

/** Reads the metadata that authenticates a call. */
export type ReadMetadata = () => Promise<Metadata>;

/** The file is read for each call, because there are few calls, and a projected token is replaced at any time. */
export function createReadMetadata({ apiKeyFile, tokenFile, tls }: TokenVaultOptions): ReadMetadata {
  const named = [apiKeyFile, tokenFile, tls?.certificateFile].filter((file) => file !== undefined);
  if (named.length > 1)
    throw new TypeError('More than one credential is set. Set one of apiKeyFile, tokenFile and tls.certificateFile.');
  const [field, file] = apiKeyFile === undefined ? ['tokenFile', tokenFile] : ['apiKeyFile', apiKeyFile];
  return async () => {
    const metadata = new Metadata();
    if (file !== undefined) metadata.set('authorization', `Bearer ${await readCredential(field, file)}`);
    return metadata;
  };
}

async function readCredential(field: string, file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw unusable(`${field}: ${file} cannot be read. Check that it exists, and its permissions.`, cause);
  }
  // Anything else would make the header invalid, and grpc-js quotes the header in its error.
  if (!/^[\x21-\x7e]+$/.test(text)) throw unusable(`${field}: ${file} must contain the credential and nothing else.`);
  return text;
}

function unusable(message: string, cause?: unknown): TokenVaultError {
  return new TokenVaultError(message, {
    code: 'UNAUTHENTICATED',
    reason: 'CREDENTIAL_FILE_UNREADABLE',
    whoActs: 'caller',
    cause,
  });
}
