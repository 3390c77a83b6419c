import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Secret } from '../model/secret.ts';

/** The current secret, its successor, and two more. */
const MAX_SECRETS = 4;
const MAX_FILE_BYTES = 4_096;

export type SecretLines =
  | {
      /** In the order of their lines. */
      readonly secrets: readonly Secret[];
      /** Problems to log that do not prevent the start. */
      readonly warnings: readonly string[];
      readonly fault?: undefined;
    }
  /** What the file must be, to follow the name of the field. Never quotes the file. */
  | { readonly fault: string };

/**
 * Reads a file with one secret per line. All of them are valid, so that a secret can be replaced without an
 * interruption. `faultOf` says what is wrong with a line; undefined: it is valid.
 */
export function readSecretLines(
  path: string,
  { form, faultOf }: { readonly form: string; readonly faultOf: (line: string) => string | undefined },
): SecretLines {
  const file = readSmallFile(path);
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
    warnings: file.isPublic ? [`Other users can read ${path}. Run chmod 0400 on it.`] : [],
  };
}

function readSmallFile(
  path: string,
): { readonly text: string; readonly isPublic: boolean } | { readonly fault: string } {
  try {
    // Without O_NONBLOCK, the open of a pipe would block forever.
    const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(handle);
      if (!stat.isFile() || stat.size > MAX_FILE_BYTES) return { fault: 'must name a file of at most 4 KB' };
      return { text: readFileSync(handle, 'utf8'), isPublic: (stat.mode & 0o044) !== 0 };
    } finally {
      closeSync(handle);
    }
  } catch {
    return { fault: 'must name a file that the vault can read; check that it exists and its permissions' };
  }
}
