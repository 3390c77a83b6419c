import { parseSecretLines, type SecretLines, type SecretsFile } from './read_secrets_file.ts';

/** Standard Webhooks, "Signature scheme": 24 to 64 bytes, base64, with the prefix. */
const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** One `whsec_…` per line. */
export function parseSigningSecrets(file: SecretsFile, path: string): SecretLines {
  const form = `${MIN_BYTES} to ${MAX_BYTES} bytes, such as "${PREFIX}$(openssl rand -base64 32)"`;
  return parseSecretLines(file, path, { form, faultOf });
}

/** What is wrong with a secret, without quoting any part of it. */
function faultOf(line: string): string | undefined {
  if (/^["'`]/.test(line)) return 'is in quotes; remove them';
  if (line.startsWith(`v1,${PREFIX}`)) return 'begins with "v1,"; remove that';
  if (!line.startsWith(PREFIX)) return `does not begin with "${PREFIX}"`;
  const encoded = line.slice(PREFIX.length);
  // Hex digits are valid base64, but a receiver that decodes them as hex would reject every signature.
  if (/^[0-9a-f]{32,}$/i.test(encoded)) {
    return 'has hex digits, which the receiver may decode to other bytes than the vault; encode its bytes in base64 instead';
  }
  if (/^[A-Za-z0-9_-]+=*$/.test(encoded) && /[_-]/.test(encoded)) {
    return 'is base64url; write "+" for "-" and "/" for "_", and append "=" up to a multiple of 4 characters';
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return 'has a character that base64 does not have';
  if (encoded.length % 4 !== 0) return 'is cut off, or lacks "=" at its end';
  const { length } = Buffer.from(encoded, 'base64');
  return length >= MIN_BYTES && length <= MAX_BYTES ? undefined : `has ${length} bytes`;
}
