import { createHash, createSecretKey, type KeyObject } from 'node:crypto';

/** A root key. Its id is derived from the key, so an id cannot refer to another key. A KeyObject cannot be printed. */
export interface Kek {
  /** 16 bytes. */
  readonly id: Buffer;
  readonly key: KeyObject;
  /** The version of the Key Vault secret that has it. */
  readonly keyVaultVersion?: string | undefined;
}

export const KEK_BYTES = 32;

/** Erases the given bytes. The source checks their number before, with its own message. */
export function createKek(bytes: Buffer, keyVaultVersion?: string): Kek {
  if (bytes.length !== KEK_BYTES) throw new RangeError('a KEK has 32 bytes');
  const id = createHash('sha256').update('tokenvault/kek-id').update(bytes).digest().subarray(0, 16);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return { id, key, ...(keyVaultVersion !== undefined && { keyVaultVersion }) };
}

/** Why these bytes cannot be a KEK, as the end of a sentence; undefined if they can. */
export function kekFault(bytes: Buffer): string | undefined {
  if (bytes.length !== KEK_BYTES) return `holds ${bytes.length} bytes instead of ${KEK_BYTES}`;
  if (bytes.every((byte) => byte === bytes[0])) return 'repeats one byte, so it is not a random key';
  return undefined;
}
