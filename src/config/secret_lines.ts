import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Secret } from '../model/secret.ts';

/** The present one and its successor, and some to spare. */
export const MOST_SECRETS = 4;
const LARGEST_FILE = 4_096;

export type SecretLines =
  | {
      /** In the order of their lines. */
      readonly secrets: readonly Secret[];
      /** Others than its owner can read the file. */
      readonly open: boolean;
      readonly fault?: undefined;
    }
  | {
      /** `no_small_file`: it is none, or has more than 4 KB. A number: which one is no secret, from 1. */
      readonly fault: 'unreadable' | 'no_small_file' | 'none_or_too_many' | number;
    };

/** Secrets that an operator keeps in a file, one a line: while one is changed, both are taken. What is wrong is told without quoting the file. */
export function readSecretLines(path: string, isSecret: (line: string) => boolean): SecretLines {
  const read = readSmallFile(path);
  if (typeof read === 'string') return { fault: read };
  const lines = read.text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0 || lines.length > MOST_SECRETS) return { fault: 'none_or_too_many' };
  const bad = lines.findIndex((line) => !isSecret(line));
  if (bad >= 0) return { fault: bad + 1 };
  return { secrets: lines.map((line) => new Secret(line)), open: read.open };
}

function readSmallFile(
  path: string,
): { readonly text: string; readonly open: boolean } | 'unreadable' | 'no_small_file' {
  try {
    // A pipe in this place would block the open for ever.
    const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(handle);
      if (!stat.isFile() || stat.size > LARGEST_FILE) return 'no_small_file';
      return { text: readFileSync(handle, 'utf8'), open: (stat.mode & 0o044) !== 0 };
    } finally {
      closeSync(handle);
    }
  } catch {
    return 'unreadable';
  }
}
