import { createHash, createSecretKey, type KeyObject } from 'node:crypto';

/** A root key. Its id is derived from it, so that an id cannot be made to point to another key; a KeyObject does not print. */
export interface Kek {
  /** 16 bytes. */
  readonly id: Buffer;
  readonly key: KeyObject;
}

export const KEK_BYTES = 32;

/** Wipes the bytes that it was given. They must be 32, checked by the source with words of its own. */
export function createKek(bytes: Buffer): Kek {
  if (bytes.length !== KEK_BYTES) throw new RangeError('a KEK has 32 bytes');
  const id = createHash('sha256').update('tokenvault/kek-id').update(bytes).digest().subarray(0, 16);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return { id, key };
}

/** Why these bytes cannot be a KEK, as the end of a sentence; undefined when they can. */
export function kekFault(bytes: Buffer): string | undefined {
  if (bytes.length !== KEK_BYTES) return `holds ${bytes.length} bytes instead of ${KEK_BYTES}`;
  if (bytes.every((byte) => byte === bytes[0])) return 'repeats one byte, which is no random key';
  return undefined;
}
