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
const ABSENT = Buffer.of(0);
const TEXT = 1;
const LIST = 2;

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
  const message = Buffer.concat([HEADER, ...all.flatMap(encoded)]);
  return Buffer.concat([HEADER, createHmac('sha256', key).update(message).digest()]);
}

/** False for a missing one too. */
export function isMacOf(mac: Uint8Array | null, key: KeyObject, place: RowPlace, values: readonly MacValue[]): boolean {
  const expected = computeMac(key, place, values);
  return mac !== null && mac.length === expected.length && timingSafeEqual(mac, expected);
}

/** Each value says its kind and its length, so that no two lists of values have the same encoding. */
function encoded(value: MacValue): Buffer[] {
  if (value === null || value === undefined) return [ABSENT];
  if (typeof value !== 'string') return [prefix(LIST, value.length), ...value.flatMap(encoded)];
  // Lone surrogates all become U+FFFD in UTF-8: two values would be equal.
  if (!value.isWellFormed()) throw new TypeError('A value is not well-formed Unicode.');
  const text = Buffer.from(value);
  return [prefix(TEXT, text.length), text];
}

function prefix(kind: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(5);
  bytes[0] = kind;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
