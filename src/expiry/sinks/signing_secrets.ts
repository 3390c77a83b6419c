import { MOST_SECRETS, readSecretLines } from '../../config/secret_lines.ts';
import type { Secret } from '../../model/secret.ts';

/** Standard Webhooks, "Signature scheme": 24 to 64 bytes, base64, with the prefix. */
const SIGNING_SECRET = /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SHORTEST = 24;
const LONGEST = 64;
const PREFIX = 'whsec_'.length;

export interface SigningSecrets {
  /** In the order of their lines. */
  readonly secrets: readonly Secret[];
  /** Others than its owner can read the file. */
  readonly open: boolean;
  /** Never quotes the file. */
  readonly fault: string | undefined;
}

/** One `whsec_…` a line. */
export function readSigningSecrets(path: string): SigningSecrets {
  const read = readSecretLines(path, isSigningSecret);
  if (read.fault === undefined) return { ...read, fault: undefined };
  switch (read.fault) {
    case 'unreadable':
      return faulty('names a file that cannot be read; check that it exists and who may');
    case 'no_small_file':
      return faulty('must name a file of at most 4 KB');
    case 'none_or_too_many':
      return faulty(`must hold one secret a line, at most ${MOST_SECRETS}`);
    default:
      return faulty(
        `must hold secrets such as "whsec_$(openssl rand -base64 32)", of ${SHORTEST} to ${LONGEST} bytes; the ${read.fault}. is none`,
      );
  }
}

function isSigningSecret(line: string): boolean {
  const { length } = Buffer.from(line.slice(PREFIX), 'base64');
  return SIGNING_SECRET.test(line) && length >= SHORTEST && length <= LONGEST;
}

function faulty(fault: string): SigningSecrets {
  return { secrets: [], open: false, fault };
}
