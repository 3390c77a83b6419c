import { randomBytes } from 'node:crypto';

/** Without I, L, O and U, which are easily misread: https://www.crockford.com/base32.html */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 12;

/** The id of a request to the web listener, which error pages show: 60 random bits that can be read aloud, `7KQ4-M2XT-9HBD`. */
export function newReference(): string {
  const letters = Array.from(randomBytes(LENGTH), (byte) => ALPHABET.charAt(byte % ALPHABET.length));
  return letters.join('').replaceAll(/.{4}(?!$)/g, '$&-');
}
