import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Secret } from '../../model/secret.ts';

/** Standard Webhooks, "Signature scheme": 24 to 64 bytes, base64, with the prefix. */
const SIGNING_SECRET = /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SHORTEST = 24;
const LONGEST = 64;
const PREFIX = 'whsec_'.length;
/** The present one and its successor, and some to spare. */
const MOST = 4;
const LARGEST_FILE = 4_096;

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
  let text: string;
  let open: boolean;
  try {
    // A pipe in this place would block the open for ever.
    const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(handle);
      if (!stat.isFile() || stat.size > LARGEST_FILE) return faulty('must name a file of at most 4 KB');
      open = (stat.mode & 0o044) !== 0;
      text = readFileSync(handle, 'utf8');
    } finally {
      closeSync(handle);
    }
  } catch {
    return faulty('names a file that cannot be read; check that it exists and who may');
  }
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0 || lines.length > MOST) return faulty(`must hold one secret a line, at most ${MOST}`);
  const bad = lines.findIndex((line) => !isSigningSecret(line));
  if (bad >= 0)
    return faulty(
      `must hold secrets such as "whsec_$(openssl rand -base64 32)", of ${SHORTEST} to ${LONGEST} bytes; the ${bad + 1}. is none`,
    );
  return { secrets: lines.map((line) => new Secret(line)), open, fault: undefined };
}

function isSigningSecret(line: string): boolean {
  const { length } = Buffer.from(line.slice(PREFIX), 'base64');
  return SIGNING_SECRET.test(line) && length >= SHORTEST && length <= LONGEST;
}

function faulty(fault: string): SigningSecrets {
  return { secrets: [], open: false, fault };
}
