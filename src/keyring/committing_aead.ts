import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/**
 * AES-256-GCM with a key for this one message, and with a commitment to that key:
 * `header | salt[32] | commit[32] | ciphertext | tag[16]`, K | C = HKDF-SHA512(key, salt, info).
 * A test vector fixes the format; a change requires a new format byte.
 */
export interface Sealing {
  /** The KEK or DEK, 32 bytes. */
  key: KeyObject;
  /** Separates the keys that are derived from one key for different uses. */
  info: string;
  header: Buffer;
  /** The place of the message: sealed for one place, it opens at no other. */
  place: readonly string[];
}

/** Source of salts and keys; a test may use fixed bytes. */
export type Random = (size: number) => Buffer;

const SALT_BYTES = 32;
const COMMIT_BYTES = 32;
const TAG_BYTES = 16;
const BLOCK_BYTES = 512;
const LENGTH_BYTES = 4;
// K is used for one message only, so a fixed nonce is never used twice with the same key.
const NONCE = Buffer.alloc(12);
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Why a sealed value does not open, or stored names are refused; for metrics and the audit log, never for callers. */
export type CorruptCause =
  | 'length'
  | 'magic'
  | 'format'
  | 'version_below_floor'
  | 'version_unknown'
  | 'kek_unknown'
  | 'commitment'
  | 'tag'
  | 'padding'
  | 'name'
  | 'mac';

export type Opened = { ok: true; plaintext: Buffer } | { ok: false; cause: CorruptCause };

export function sealCommitting(sealing: Sealing, plaintext: Uint8Array, random: Random = randomBytes): Buffer {
  const { header } = sealing;
  const paddedBytes = Math.ceil((LENGTH_BYTES + plaintext.length) / BLOCK_BYTES) * BLOCK_BYTES;
  const padded = Buffer.alloc(paddedBytes);
  padded.writeUInt32BE(plaintext.length, 0);
  padded.set(plaintext, LENGTH_BYTES);

  const salt = random(SALT_BYTES);
  const derived = derive(sealing, salt);
  const commit = derived.subarray(32);
  const cipher = createCipheriv('aes-256-gcm', messageKey(derived), NONCE, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData(sealing, salt, commit));
  const ciphertext = cipher.update(padded);
  cipher.final();
  const sealed = Buffer.concat([header, salt, commit, ciphertext, cipher.getAuthTag()]);
  padded.fill(0);
  derived.fill(0);
  return sealed;
}

/** Opens a value whose header and length (`isSealedLength`) the caller has checked; checks everything else. */
export function openCommitting(sealing: Sealing, sealed: Buffer): Opened {
  const saltStart = sealing.header.length;
  const bodyStart = saltStart + SALT_BYTES + COMMIT_BYTES;
  const tagStart = sealed.length - TAG_BYTES;
  const salt = sealed.subarray(saltStart, saltStart + SALT_BYTES);
  const commit = sealed.subarray(saltStart + SALT_BYTES, bodyStart);
  const derived = derive(sealing, salt);
  try {
    if (!timingSafeEqual(derived.subarray(32), commit)) return { ok: false, cause: 'commitment' };
    // Without authTagLength, node:crypto accepts tags shortened to 4 bytes.
    const decipher = createDecipheriv('aes-256-gcm', messageKey(derived), NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData(sealing, salt, commit));
    decipher.setAuthTag(sealed.subarray(tagStart));
    const padded = decipher.update(sealed.subarray(bodyStart, tagStart));
    if (!passes(decipher)) return { ok: false, cause: 'tag' };
    return unpad(padded);
  } finally {
    derived.fill(0);
  }
}

/** Whether a sealed value with a header of this size can have this length. */
export function isSealedLength(length: number, headerBytes: number): boolean {
  const body = length - headerBytes - SALT_BYTES - COMMIT_BYTES - TAG_BYTES;
  return body >= BLOCK_BYTES && body % BLOCK_BYTES === 0;
}

function derive({ key, info }: Sealing, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha512', key, salt, info, 64));
}

/** A key object: node:crypto takes three times as long for a key of bytes, which it tries as a key object first. */
function messageKey(derived: Buffer): KeyObject {
  return createSecretKey(derived.subarray(0, 32));
}

// Each part carries its length, so that ('ab', 'c') and ('a', 'bc') are different places.
function additionalData({ header, place }: Sealing, salt: Buffer, commit: Buffer): Buffer {
  let size = header.length + SALT_BYTES + COMMIT_BYTES;
  for (const part of place) size += LENGTH_BYTES + Buffer.byteLength(part);
  const data = Buffer.allocUnsafe(size);
  let at = header.copy(data, 0);
  for (const part of place) {
    // Lone surrogates all become U+FFFD in UTF-8: two places would be equal.
    if (!part.isWellFormed()) throw new TypeError('A part of the place is not well-formed Unicode.');
    const written = data.write(part, at + LENGTH_BYTES);
    data.writeUInt32BE(written, at);
    at += LENGTH_BYTES + written;
  }
  at += salt.copy(data, at);
  commit.copy(data, at);
  return data;
}

function passes(decipher: { final(): Buffer }): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

function unpad(padded: Buffer): Opened {
  const end = LENGTH_BYTES + padded.readUInt32BE(0);
  const minimal = end <= padded.length && padded.length - end < BLOCK_BYTES;
  if (!minimal || !padded.subarray(end).equals(ZEROS.subarray(0, padded.length - end))) {
    return { ok: false, cause: 'padding' };
  }
  return { ok: true, plaintext: padded.subarray(LENGTH_BYTES, end) };
}
