import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { VaultError } from '../model/errors.ts';
import { type CorruptCause, isSealedLength, openCommitting, type Random, sealCommitting } from './committing_aead.ts';
import type { Kek } from './key_encryption_key.ts';

/** The place of a sealed value. Moved to another place, it does not open. */
export interface RecordPlace {
  /** From the database's `meta`; the same in copies and backups. */
  deploymentId: string;
  tenantUid: string;
  /** The name that the caller was authorized by; in background work the row's own. */
  tenantId: string;
  recordType: string;
  recordUid: string;
  column: string;
  /** Other names that the value belongs to, in a fixed order for each column. */
  names?: readonly string[] | undefined;
}

/** The place of a wrapped DEK. */
export interface DekPlace {
  deploymentId: string;
  tenantUid: string;
  tenantId: string;
  version: number;
}

/** Content of a wrapped DEK. All versions of a tenant have the same index key, so blind indexes survive a rotation. */
export interface DekKeys {
  dek: KeyObject;
  indexKey: KeyObject;
  /** While this version is the newest one, records under versions below the floor do not open. */
  floor: number;
}

/** The DEKs of one tenant, for opening records. */
export interface DekVersions {
  /** Versions below it are retired: their records no longer open. */
  readonly floor: number;
  find(version: number): KeyObject | undefined;
}

const FORMAT = 1;
const RECORD_MAGIC = 0x54;
const RECORD_HEADER_BYTES = 6;
const DEK_MAGIC = 0x4b;
const DEK_HEADER_BYTES = 18;
const KEY_BYTES = 32;
const FLOOR_BYTES = 4;
const FIRST_VERSION = 1;

export function sealRecord(
  place: RecordPlace,
  version: number,
  dek: KeyObject,
  plaintext: Uint8Array,
  random?: Random,
): Buffer {
  return sealCommitting(recordSealing(place, version, dek), plaintext, random);
}

/** Fails with RECORD_CORRUPT, the same for every cause; `corruptCause` distinguishes them. */
export function openRecord(place: RecordPlace, deks: DekVersions, sealed: Uint8Array): Buffer {
  const bytes = asBuffer(sealed);
  const what = `${place.column} of ${place.recordType} ${place.recordUid}`;
  if (!isSealedLength(bytes.length, RECORD_HEADER_BYTES)) throw recordCorrupt(what, 'length');
  if (bytes[0] !== RECORD_MAGIC) throw recordCorrupt(what, 'magic');
  if (bytes[1] !== FORMAT) throw recordCorrupt(what, 'format');
  const version = bytes.readUInt32BE(2);
  if (version < deks.floor) throw recordCorrupt(what, 'version_below_floor');
  const dek = deks.find(version);
  if (dek === undefined) throw recordCorrupt(what, 'version_unknown');
  const opened = openCommitting(recordSealing(place, version, dek), bytes);
  if (!opened.ok) throw recordCorrupt(what, opened.cause);
  return opened.plaintext;
}

/** The DEK version that a sealed record names; undefined: not a record. */
export function dekVersionOf(sealed: Uint8Array): number | undefined {
  return sealed.length >= RECORD_HEADER_BYTES && sealed[0] === RECORD_MAGIC && sealed[1] === FORMAT
    ? asBuffer(sealed).readUInt32BE(2)
    : undefined;
}

export function wrapDek(place: DekPlace, kek: Kek, keys: DekKeys, random?: Random): Buffer {
  const plaintext = Buffer.concat([keys.dek.export(), keys.indexKey.export(), floorBytes(keys.floor)]);
  try {
    return sealCommitting(dekSealing(place, kek), plaintext, random);
  } finally {
    plaintext.fill(0);
  }
}

/** Fails with RECORD_CORRUPT. */
export function unwrapDek(place: DekPlace, keks: readonly Kek[], wrapped: Uint8Array): DekKeys {
  const bytes = asBuffer(wrapped);
  const what = `data key ${place.version} of tenant ${place.tenantUid}`;
  const kekId = kekIdOf(bytes);
  if (kekId === undefined) throw recordCorrupt(what, 'length');
  if (bytes[0] !== DEK_MAGIC) throw recordCorrupt(what, 'magic');
  if (bytes[1] !== FORMAT) throw recordCorrupt(what, 'format');
  const kek = keks.find(({ id }) => id.equals(kekId));
  if (kek === undefined) throw recordCorrupt(what, 'kek_unknown');
  const opened = openCommitting(dekSealing(place, kek), bytes);
  if (!opened.ok) throw recordCorrupt(what, opened.cause);
  const { plaintext } = opened;
  const hasFloor = plaintext.length === 2 * KEY_BYTES + FLOOR_BYTES;
  if (!hasFloor && plaintext.length !== 2 * KEY_BYTES) throw recordCorrupt(what, 'padding');
  const keys = {
    dek: createSecretKey(plaintext.subarray(0, KEY_BYTES)),
    indexKey: createSecretKey(plaintext.subarray(KEY_BYTES, 2 * KEY_BYTES)),
    floor: hasFloor ? plaintext.readUInt32BE(2 * KEY_BYTES) : FIRST_VERSION,
  };
  plaintext.fill(0);
  return keys;
}

/** The id of the KEK that a wrapped DEK names; undefined: not a wrapped DEK. */
export function kekIdOf(wrapped: Uint8Array): Buffer | undefined {
  return isSealedLength(wrapped.length, DEK_HEADER_BYTES) ? asBuffer(wrapped).subarray(2, DEK_HEADER_BYTES) : undefined;
}

export function generateKey(random: Random = randomBytes): KeyObject {
  const bytes = random(KEY_BYTES);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** Why a value did not open; for metrics and the audit log. */
export function corruptCause(error: unknown): CorruptCause | undefined {
  const cause = error instanceof VaultError && error.reason === 'RECORD_CORRUPT' ? error.cause : undefined;
  return cause instanceof Error ? (cause.message as CorruptCause) : undefined;
}

function recordCorrupt(what: string, cause: CorruptCause): VaultError {
  return new VaultError(
    'RECORD_CORRUPT',
    `The stored ${what} does not open: it was changed, moved or sealed under another key. Restore it from a backup.`,
    { cause: new Error(cause) },
  );
}

function recordSealing(place: RecordPlace, version: number, key: KeyObject) {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header[0] = RECORD_MAGIC;
  header[1] = FORMAT;
  header.writeUInt32BE(version, 2);
  const { deploymentId, tenantUid, tenantId, recordType, recordUid, column, names = [] } = place;
  return {
    key,
    info: 'tokenvault/v1/record',
    header,
    place: ['tokenvault/record', deploymentId, tenantUid, tenantId, recordType, recordUid, column, ...names],
  };
}

function dekSealing({ deploymentId, tenantUid, tenantId, version }: DekPlace, kek: Kek) {
  return {
    key: kek.key,
    info: 'tokenvault/v1/dek',
    header: Buffer.concat([Buffer.of(DEK_MAGIC, FORMAT), kek.id]),
    place: ['tokenvault/dek', deploymentId, tenantUid, tenantId, String(version)],
  };
}

/** Nothing for the first version, as in databases from before rotations. */
function floorBytes(floor: number): Buffer {
  if (floor === FIRST_VERSION) return Buffer.alloc(0);
  const bytes = Buffer.allocUnsafe(FLOOR_BYTES);
  bytes.writeUInt32BE(floor);
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
