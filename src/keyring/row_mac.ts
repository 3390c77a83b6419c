import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/** The row whose columns a MAC covers. */
export interface RowPlace {
  /** From the database's `meta`. */
  deploymentId: string;
  tenantUid: string;
  tenantId: string;
  recordType: string;
  recordUid: string;
}

/** A column's value. NULL differs from an empty text. */
export type MacValue = string | readonly string[] | null | undefined;

const MAC_MAGIC = 0x4d;
const FORMAT = 1;
const HEADER = Buffer.of(MAC_MAGIC, FORMAT);
const ABSENT = 0;
const TEXT = 1;
const LIST = 2;
/** The kind and the length. */
const PREFIX_BYTES = 5;

/**
 * The key of a tenant's MACs. From the index key, which all DEK versions of the tenant have in common: a rotation of the
 * DEK keeps MACs valid, and forgetting the tenant ends them.
 */
export function deriveMacKey(indexKey: KeyObject): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', indexKey, '', 'tokenvault/v1/mac', 32)));
}

/** `magic | format | HMAC-SHA256[32]` over columns that are stored in clear, in a fixed order for each record type. */
export function computeMac(key: KeyObject, place: RowPlace, values: readonly MacValue[]): Buffer {
  const { deploymentId, tenantUid, tenantId, recordType, recordUid } = place;
  const all = ['tokenvault/mac', deploymentId, tenantUid, tenantId, recordType, recordUid, ...values];
  let size = HEADER.length;
  for (const value of all) size += sizeOf(value);
  const message = Buffer.allocUnsafe(size);
  let end = HEADER.copy(message);
  for (const value of all) end = write(message, end, value);
  return Buffer.concat([HEADER, createHmac('sha256', key).update(message).digest()]);
}

/** False for a missing one too. */
export function isMacOf(mac: Uint8Array | null, key: KeyObject, place: RowPlace, values: readonly MacValue[]): boolean {
  const expected = computeMac(key, place, values);
  return mac !== null && mac.length === expected.length && timingSafeEqual(mac, expected);
}

function sizeOf(value: MacValue): number {
  if (value === null || value === undefined) return 1;
  if (typeof value === 'string') return PREFIX_BYTES + Buffer.byteLength(value);
  return value.reduce((size, one) => size + sizeOf(one), PREFIX_BYTES);
}

/**
 * Each value says its kind and its length, so that no two lists of values have the same encoding. Returns its end. Into one
 * buffer, because a row has 16 values, and the buffer of each would take longer than the MAC.
 */
function write(message: Buffer, at: number, value: MacValue): number {
  if (value === null || value === undefined) return message.writeUInt8(ABSENT, at);
  const start = at + PREFIX_BYTES;
  if (typeof value !== 'string') {
    writePrefix(message, at, LIST, value.length);
    return value.reduce((end, one) => write(message, end, one), start);
  }
  // Lone surrogates all become U+FFFD in UTF-8: two values would be equal.
  if (!value.isWellFormed()) throw new TypeError('A value is not well-formed Unicode.');
  const length = message.write(value, start);
  writePrefix(message, at, TEXT, length);
  return start + length;
}

function writePrefix(message: Buffer, at: number, kind: number, length: number): void {
  message[at] = kind;
  message.writeUInt32BE(length, at + 1);
}
