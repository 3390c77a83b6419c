import { withRegularFile } from '../files/regular_file.ts';
import { fieldInvalid, isVaultError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { type FileVersion, readUnchanged } from './read_file_version.ts';

/** The current secret, its successor, and two more. */
const MAX_SECRETS = 4;
const MAX_FILE_BYTES = 4_096;

/** `fault`: what the file must be, to follow the name of the field. Never quotes the file. */
export type SecretsFile = FileVersion | Fault;

interface Fault {
  readonly fault: string;
}

export type SecretLines =
  | {
      /** In the order of their lines. */
      readonly secrets: readonly Secret[];
      /** Problems to log that do not prevent the start. */
      readonly warnings: readonly string[];
      readonly fault?: undefined;
    }
  | Fault;

/** Undefined: it changed meanwhile. */
export async function readSecretsFile(path: string): Promise<SecretsFile | undefined> {
  const unsuitable = { fault: 'must name a file of at most 4 KB' };
  try {
    const notRegular = () => fieldInvalid(path, unsuitable.fault);
    return await withRegularFile(path, { notRegular }, async (handle, { size }) =>
      size > MAX_FILE_BYTES ? unsuitable : readUnchanged(handle),
    );
  } catch (error) {
    if (isVaultError(error)) return unsuitable;
    return { fault: 'must name a file that the vault can read; check that it exists and its permissions' };
  }
}

/**
 * The secrets of a file with one per line. All of them are valid, so that a secret can be replaced without an
 * interruption. `faultOf` says what is wrong with a line; undefined: it is valid.
 */
export function parseSecretLines(
  file: SecretsFile,
  path: string,
  { form, faultOf }: { readonly form: string; readonly faultOf: (line: string) => string | undefined },
): SecretLines {
  if ('fault' in file) return file;
  const lines = file.text.split('\n').flatMap((text, index) => {
    const line = text.trim();
    return line === '' ? [] : [{ line, number: index + 1, fault: faultOf(line) }];
  });
  if (lines.length === 0 || lines.length > MAX_SECRETS) {
    return { fault: `must have 1 to ${MAX_SECRETS} lines, each with one secret` };
  }
  const invalid = lines.find(({ fault }) => fault !== undefined);
  if (invalid !== undefined) return { fault: `must have secrets of ${form}. Line ${invalid.number} ${invalid.fault}` };
  return {
    secrets: lines.map(({ line }) => new Secret(line)),
    warnings: (file.mode & 0o044) === 0 ? [] : [`Other users can read ${path}. Run chmod 0400 on it.`],
  };
}
