import type { Secret } from '../model/secret.ts';
import { MOST_SECRETS, readSecretLines } from './secret_lines.ts';

/** Standard Webhooks, "Signature scheme": 24 to 64 bytes, base64, with the prefix. */
const PREFIX = 'whsec_';
const SHORTEST = 24;
const LONGEST = 64;

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
  let wrong: string | undefined;
  const read = readSecretLines(path, (line) => {
    wrong = faultOf(line);
    return wrong === undefined;
  });
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
        `must hold secrets such as "whsec_$(openssl rand -base64 32)", of ${SHORTEST} to ${LONGEST} bytes. Secret ${read.fault} ${wrong}`,
      );
  }
}

/** What is wrong with a secret, without a part of it. */
function faultOf(line: string): string | undefined {
  if (/^["'`]/.test(line)) return 'is in quotes; remove them';
  if (line.startsWith(`v1,${PREFIX}`)) return 'begins with "v1,"; remove that';
  if (!line.startsWith(PREFIX)) return `does not begin with "${PREFIX}"`;
  const encoded = line.slice(PREFIX.length);
  // They are base64, too. But who writes hex means the bytes behind it, and a receiver that reads hex would refuse every signature.
  if (/^[0-9a-f]{32,}$/i.test(encoded)) {
    return 'holds hex digits, which the receiver may read as other bytes than the vault; encode its bytes in base64 instead';
  }
  if (/^[A-Za-z0-9_-]+=*$/.test(encoded) && /[_-]/.test(encoded)) {
    return 'is base64url; write "+" for "-" and "/" for "_", and fill it up with "=" to a multiple of 4 characters';
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return 'holds a character that base64 does not have';
  if (encoded.length % 4 !== 0) return 'is cut off, or lacks "=" at its end';
  const { length } = Buffer.from(encoded, 'base64');
  return length >= SHORTEST && length <= LONGEST ? undefined : `has ${length} bytes`;
}

function faulty(fault: string): SigningSecrets {
  return { secrets: [], open: false, fault };
}
