import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readAtMost, withRegularFile } from '../files/regular_file.ts';
import { VaultError } from '../model/errors.ts';
import { type KeyVaultLocation, parseKeyVaultLocation } from './keyvault_location.ts';

/** RSAES-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518, section 4.3). */
export const ALGORITHM = 'RSA-OAEP-256';

/** A root key that a version of a Key Vault key wraps. */
export interface WrappedKey {
  readonly version: string;
  readonly value: Uint8Array;
}

const MAX_BYTES = 16 * 1024;

/** What Key Vault answers to wrapKey, with the algorithm. https://learn.microsoft.com/rest/api/keyvault/keys/wrap-key */
const content = z.strictObject({ alg: z.literal(ALGORITHM), kid: z.string(), value: z.base64url().min(1) });

/** Undefined if there is no such file. Fails with KEY_SOURCE_UNAVAILABLE if it is not one for this key. */
export async function readWrappedKey(path: string, key: KeyVaultLocation): Promise<WrappedKey | undefined> {
  const file = resolve(path);
  const text = await readText(file);
  if (text === undefined) return undefined;
  const parsed = content.safeParse(parseJson(text));
  if (!parsed.success) {
    throw unusable(file, `is not a wrapped root key (alg ${ALGORITHM}, kid, value). Restore it from its copy`);
  }
  const { kid, value } = parsed.data;
  return { version: versionOf(file, kid, key), value: Buffer.from(value, 'base64url') };
}

/** Never overwrites. Fails with KEY_SOURCE_UNAVAILABLE. */
export async function writeWrappedKey(
  path: string,
  { kid, value }: { readonly kid: string; readonly value: Uint8Array },
  key: KeyVaultLocation,
): Promise<void> {
  const file = resolve(path);
  versionOf(file, kid, key);
  const text = JSON.stringify({ alg: ALGORITHM, kid, value: Buffer.from(value).toString('base64url') });
  try {
    const handle = await open(file, 'wx', 0o400);
    try {
      await handle.writeFile(`${text}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unusable(file, `cannot be created (${errorCode(error)}). Check the folder, and move an existing file away`);
  }
}

async function readText(file: string): Promise<string | undefined> {
  const notRegular = () => unusable(file, 'is not a regular file. Replace it with a file');
  try {
    return await withRegularFile(file, { notRegular }, async (handle, { mode }) => {
      // Its writer chooses the root key of an empty database.
      if ((mode & 0o022) !== 0) throw unusable(file, `may be written by other users. Run: chmod go-w ${file}`);
      const bytes = await readAtMost(handle, MAX_BYTES);
      if (bytes === undefined) throw unusable(file, `has more than ${MAX_BYTES} bytes. Restore it from its copy`);
      return bytes.toString('utf8');
    });
  } catch (error) {
    if (error instanceof VaultError) throw error;
    if (errorCode(error) === 'ENOENT') return undefined;
    throw unusable(file, `cannot be read (${errorCode(error)}). Check its path and permissions`);
  }
}

/** A file must not make the vault use another key than the configured one. */
function versionOf(file: string, kid: string, { vaultUrl, name }: KeyVaultLocation): string {
  const wrappedBy = parseKeyVaultLocation(kid, 'keys');
  const isOfKey = wrappedBy?.vaultUrl === vaultUrl && wrappedBy.name.toLowerCase() === name.toLowerCase();
  if (isOfKey && wrappedBy.version !== undefined) return wrappedBy.version;
  throw unusable(file, `was not wrapped by a version of the key ${vaultUrl}/keys/${name}. Check TOKENVAULT_KEY_SOURCE`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unusable(file: string, fault: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The file ${file} ${fault}.`);
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
