import { createCipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import {
  corruptCause,
  dekVersionOf,
  generateKey,
  kekIdOf,
  openRecord,
  type RecordPlace,
  sealRecord,
  unwrapDek,
  wrapDek,
} from '../../src/keyring/sealed_record.ts';
import { VaultError } from '../../src/model/errors.ts';

const filled = (byte: number) => Buffer.alloc(32, byte);
const keyOf = (byte: number) => createSecretKey(filled(byte));
const kekOf = (byte: number) => createKek(filled(byte));
const only = (version: number, dek: KeyObject, floor = 1) => ({
  floor,
  find: (wanted: number) => (wanted === version ? dek : undefined),
});

const DEK = keyOf(0x11);
const PLACE = {
  deploymentId: 'deployment-1',
  tenantUid: 'tenant-1',
  tenantId: 'acme',
  recordType: 'connection',
  recordUid: 'connection-1',
  column: 'refresh_token',
  names: ['ada'],
};
const DEK_PLACE = { deploymentId: 'deployment-1', tenantUid: 'tenant-1', tenantId: 'acme', version: 1 };
const DEK_KEYS = { dek: DEK, indexKey: keyOf(0x22) };

// What the design says of the record at PLACE and of the data key at DEK_PLACE.
const RECORD = {
  key: 0x11,
  info: 'tokenvault/v1/record',
  header: Buffer.from([0x54, 1, 0, 0, 0, 1]),
  place: [
    'tokenvault/record',
    'deployment-1',
    'tenant-1',
    'acme',
    'connection',
    'connection-1',
    'refresh_token',
    'ada',
  ],
};
const WRAPPED_DEK = {
  key: 0x33,
  info: 'tokenvault/v1/dek',
  header: Buffer.concat([Buffer.from([0x4b, 1]), kekOf(0x33).id]),
  place: ['tokenvault/dek', 'deployment-1', 'tenant-1', 'acme', '1'],
};

// Fixed bytes instead of the salt, for the test vectors only.
const fixedSalt = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => i));

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const place: fc.Arbitrary<RecordPlace> = fc.record({
  deploymentId: text,
  tenantUid: text,
  tenantId: text,
  recordType: text,
  recordUid: text,
  column: text,
  names: fc.array(text, { maxLength: 2 }),
});
const data = fc.uint8Array({ maxLength: 2000 });
const dekVersion = fc.integer({ min: 1, max: 0xffffffff });

function causeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ reason: 'RECORD_CORRUPT' });
    return corruptCause(error);
  }
  return undefined;
}

describe('a record', () => {
  test('opens to the sealed bytes, for any bytes, place and version', () => {
    fc.assert(
      fc.property(place, dekVersion, data, (where, version, bytes) => {
        const sealed = sealRecord(where, version, DEK, bytes);
        expect(openRecord(where, only(version, DEK), sealed)).toEqual(Buffer.from(bytes));
        expect(dekVersionOf(sealed)).toBe(version);
      }),
    );
  });

  test.each([0, 507, 508, 509, 1020])('opens with %i bytes, at the end of a block', (size) => {
    const bytes = Buffer.alloc(size, 7);
    expect(openRecord(PLACE, only(1, DEK), sealRecord(PLACE, 1, DEK, bytes))).toEqual(bytes);
  });

  test('is read from the middle of a larger buffer', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('x'));
    const larger = new Uint8Array(Buffer.concat([filled(9), sealed, filled(9)]));
    const view = larger.subarray(32, 32 + sealed.length);
    expect(openRecord(PLACE, only(1, DEK), view).toString()).toBe('x');
  });

  test('has its version in its first 6 bytes, and other bytes have none', () => {
    const sealed = sealRecord(PLACE, 7, DEK, Buffer.from('x'));
    expect(dekVersionOf(sealed.subarray(0, 6))).toBe(7);
    expect(dekVersionOf(sealed.subarray(0, 5))).toBeUndefined();
    expect(dekVersionOf(Buffer.from(sealed).fill(0x4b, 0, 1))).toBeUndefined();
    expect(dekVersionOf(Buffer.from(sealed).fill(2, 1, 2))).toBeUndefined();
  });

  test('does not open with any single bit flipped', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('refresh token'));
    // Has a key for every version, so that the AAD, and not a missing key, detects changed version bits.
    const deks = { floor: 0, find: () => DEK };
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(
        causeOf(() => openRecord(PLACE, deks, flipped)),
        `bit ${bit}`,
      ).toBeDefined();
    }
  });

  test('does not open at any other place', () => {
    fc.assert(
      fc.property(place, place, (from, to) => {
        fc.pre(JSON.stringify(from) !== JSON.stringify(to));
        const sealed = sealRecord(from, 1, DEK, Buffer.from('x'));
        expect(causeOf(() => openRecord(to, only(1, DEK), sealed))).toBe('tag');
      }),
    );
  });

  test.each(Object.keys(PLACE) as (keyof typeof PLACE)[])('does not open when only its %s differs', (part) => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('x'));
    expect(
      causeOf(() => openRecord({ ...PLACE, [part]: part === 'names' ? ['other'] : 'other' }, only(1, DEK), sealed)),
    ).toBe('tag');
  });

  test('does not open if the same text is divided differently between the parts of its place', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme-ascii' }), { minLength: 7, maxLength: 7 }), (parts) => {
        const whole = parts.join('');
        const sealed = sealRecord(placeOf(parts), 1, DEK, Buffer.from('x'));
        for (let cut = 0; cut <= whole.length; cut++) {
          const other = ['', '', '', '', '', whole.slice(0, cut), whole.slice(cut)];
          if (JSON.stringify(other) === JSON.stringify(parts)) continue;
          expect(causeOf(() => openRecord(placeOf(other), only(1, DEK), sealed))).toBe('tag');
        }
      }),
      { numRuns: 30 },
    );
  });

  test('refuses a place with a lone surrogate, which would equal another one in UTF-8', () => {
    expect(() => sealRecord({ ...PLACE, recordUid: 'a\ud800' }, 1, DEK, Buffer.from('x'))).toThrow(TypeError);
  });

  test('does not open if it is truncated or extended', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.alloc(900));
    for (let length = 0; length < sealed.length; length++) {
      expect(causeOf(() => openRecord(PLACE, only(1, DEK), sealed.subarray(0, length)))).toBeDefined();
    }
    for (const more of [1, 16, 512]) {
      const extended = Buffer.concat([sealed, Buffer.alloc(more)]);
      expect(causeOf(() => openRecord(PLACE, only(1, DEK), extended))).toBe(more === 512 ? 'tag' : 'length');
    }
    const noBlock = Buffer.concat([sealed.subarray(0, 70), sealed.subarray(-16)]);
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), noBlock))).toBe('length');
    const oneBlockLess = Buffer.concat([sealed.subarray(0, 582), sealed.subarray(-16)]);
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), oneBlockLess))).toBe('tag');
  });

  test('accepts no shortened tag, which GCM itself would', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('x'));
    for (const tagBytes of [4, 8, 12, 13, 14, 15]) {
      const short = sealed.subarray(0, sealed.length - 16 + tagBytes);
      expect(causeOf(() => openRecord(PLACE, only(1, DEK), short))).toBe('length');
    }
  });

  test('is checked against the key before decryption: another DEK breaks the commitment', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('x'));
    expect(causeOf(() => openRecord(PLACE, only(1, keyOf(0x12)), sealed))).toBe('commitment');
  });

  test('does not open below the floor, even with its DEK', () => {
    const sealed = sealRecord(PLACE, 2, DEK, Buffer.from('x'));
    expect(causeOf(() => openRecord(PLACE, only(2, DEK, 2), sealed))).toBeUndefined();
    expect(causeOf(() => openRecord(PLACE, only(2, DEK, 3), sealed))).toBe('version_below_floor');
  });

  test('does not open under an unknown version', () => {
    const sealed = sealRecord(PLACE, 2, DEK, Buffer.from('x'));
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), sealed))).toBe('version_unknown');
  });

  test('names its magic and its format', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('x'));
    const with0 = (at: number, byte: number) => Buffer.from(sealed).fill(byte, at, at + 1);
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), with0(0, 0x4b)))).toBe('magic');
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), with0(1, 2)))).toBe('format');
  });

  test('fails with the same message for every cause', () => {
    const sealed = sealRecord(PLACE, 1, DEK, Buffer.from('x'));
    const faulty = [sealed.subarray(1), Buffer.alloc(598), Buffer.from(sealed).fill(0, 40, 60), Buffer.alloc(0)];
    const messages = faulty.map((bytes) => {
      try {
        return openRecord(PLACE, only(1, DEK), bytes).toString();
      } catch (error) {
        return String(error);
      }
    });
    expect(new Set(messages).size).toBe(1);
  });

  test('hides lengths up to the next 512 bytes', () => {
    const lengthOf = (bytes: number) => sealRecord(PLACE, 1, DEK, Buffer.alloc(bytes)).length;
    expect(new Set([0, 1, 100, 508].map(lengthOf))).toEqual(new Set([86 + 512]));
    expect(new Set([509, 1000, 1020].map(lengthOf))).toEqual(new Set([86 + 1024]));
  });

  test('looks different each time', () => {
    const seals = Array.from({ length: 100 }, () => sealRecord(PLACE, 1, DEK, Buffer.from('x')).toString('hex'));
    expect(new Set(seals).size).toBe(100);
  });

  test.each([
    ['a length beyond the padding', 509, 512],
    ['a length far beyond the padding', 0xffff_ffff, 512],
    ['a block too many', 3, 1024],
    ['exactly a block too many', 508, 1024],
    ['something in the padding', 3, 512],
  ])('does not open with %s, even if sealed correctly', (name, length, size) => {
    const plaintext = Buffer.alloc(size);
    plaintext.writeUInt32BE(length);
    if (name.startsWith('something')) plaintext[511] = 1;
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), sealByTheBook(RECORD, plaintext)))).toBe('padding');
  });
});

describe('the format', () => {
  test.each([
    ['with names', PLACE, RECORD],
    ['without names', { ...PLACE, names: undefined }, { ...RECORD, place: RECORD.place.slice(0, -1) }],
  ])('of a record %s matches an independent implementation of the design', (_, place, sealing) => {
    const bytes = Buffer.from('refresh token');
    expect(sealRecord(place, 1, DEK, bytes, fixedSalt)).toEqual(sealByTheBook(sealing, padded(bytes)));
  });

  test.each([
    ['at the first floor', 1, []],
    ['at a later floor', 258, [0, 0, 1, 2]],
  ])('of a wrapped DEK %s matches an independent implementation of the design', (_, floor, floorBytes) => {
    const plaintext = Buffer.concat([filled(0x11), filled(0x22), Buffer.from(floorBytes)]);
    const wrapped = wrapDek(DEK_PLACE, kekOf(0x33), { ...DEK_KEYS, floor }, fixedSalt);
    expect(wrapped).toEqual(sealByTheBook(WRAPPED_DEK, padded(plaintext)));
    expect(unwrapDek(DEK_PLACE, [kekOf(0x33)], wrapped).floor).toBe(floor);
  });
});

describe('a wrapped DEK', () => {
  const keys = { ...DEK_KEYS, floor: 1 };
  let wrapped: Buffer;
  beforeAll(() => {
    wrapped = wrapDek(DEK_PLACE, kekOf(0x33), keys);
  });
  const keks = [kekOf(0x33), kekOf(0x34)];

  test('unwraps to its keys', () => {
    const unwrapped = unwrapDek(DEK_PLACE, keks, wrapped);
    expect(unwrapped.dek.equals(keys.dek)).toBe(true);
    expect(unwrapped.indexKey.equals(keys.indexKey)).toBe(true);
    expect(kekIdOf(wrapped)).toEqual(kekOf(0x33).id);
  });

  test.each([
    ['deployment', { deploymentId: 'deployment-2' }],
    ['tenant', { tenantUid: 'tenant-2' }],
    ["tenant's name", { tenantId: 'other' }],
    ['version', { version: 2 }],
  ])('does not unwrap for another %s', (_, other) => {
    expect(causeOf(() => unwrapDek({ ...DEK_PLACE, ...other }, keks, wrapped))).toBe('tag');
  });

  test('does not unwrap with any single bit flipped', () => {
    for (let bit = 0; bit < wrapped.length * 8; bit++) {
      const flipped = Buffer.from(wrapped);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(
        causeOf(() => unwrapDek(DEK_PLACE, keks, flipped)),
        `bit ${bit}`,
      ).toBeDefined();
    }
  });

  test('is not a record, and a record is not a wrapped DEK', () => {
    const record = sealRecord(PLACE, 1, DEK, keys.dek.export());
    expect(causeOf(() => unwrapDek(DEK_PLACE, keks, record))).toBeDefined();
    expect(causeOf(() => openRecord(PLACE, only(1, DEK), wrapped))).toBeDefined();
  });

  test('names its length, its magic and its format', () => {
    const with0 = (at: number, byte: number) => Buffer.from(wrapped).fill(byte, at, at + 1);
    expect(kekIdOf(wrapped.subarray(1))).toBeUndefined();
    expect(causeOf(() => unwrapDek(DEK_PLACE, keks, wrapped.subarray(1)))).toBe('length');
    expect(causeOf(() => unwrapDek(DEK_PLACE, keks, with0(0, 0x54)))).toBe('magic');
    expect(causeOf(() => unwrapDek(DEK_PLACE, keks, with0(1, 2)))).toBe('format');
  });

  test.each([0, 32, 63, 65, 67, 69])('does not unwrap with %i bytes of keys, even if sealed correctly', (size) => {
    const other = sealByTheBook(WRAPPED_DEK, padded(Buffer.alloc(size, 0x11)));
    expect(causeOf(() => unwrapDek(DEK_PLACE, keks, other))).toBe('padding');
  });

  test('reports an unknown KEK', () => {
    expect(causeOf(() => unwrapDek(DEK_PLACE, [kekOf(0x34)], wrapped))).toBe('kek_unknown');
  });
});

test('a KEK does not print its key, and erases the bytes it was created from', () => {
  const bytes = filled(0x33);
  const kek = createKek(bytes);
  expect(bytes.equals(Buffer.alloc(32))).toBe(true);
  expect(inspect(kek, { depth: 9, showHidden: true })).not.toContain('33 33 33 33');
  expect(JSON.stringify(kek)).not.toContain('51,51,51,51');
});

test('a generated key erases the bytes it was created from', () => {
  const bytes = filled(0x33);
  expect(generateKey(() => bytes).equals(keyOf(0x33))).toBe(true);
  expect(bytes.equals(Buffer.alloc(32))).toBe(true);
});

test('only a corrupt record has a cause of corruption', () => {
  const cause = new Error('tag');
  expect(corruptCause(new VaultError('RECORD_CORRUPT', 'x', { cause }))).toBe('tag');
  expect(corruptCause(new VaultError('RECORD_CORRUPT', 'x'))).toBeUndefined();
  expect(corruptCause(new VaultError('INTERNAL', 'x', { cause }))).toBeUndefined();
  expect(corruptCause(Object.assign(new Error('x', { cause }), { reason: 'RECORD_CORRUPT' }))).toBeUndefined();
  expect(corruptCause(undefined)).toBeUndefined();
});

function placeOf([
  deploymentId = '',
  tenantUid = '',
  tenantId = '',
  recordType = '',
  recordUid = '',
  column = '',
  ...names
]: string[]) {
  return { deploymentId, tenantUid, tenantId, recordType, recordUid, column, names };
}

function padded(bytes: Buffer): Buffer {
  const block = Buffer.alloc(512);
  block.writeUInt32BE(bytes.length);
  block.set(bytes, 4);
  return block;
}

/** An independent implementation of the design's "Sealing". */
function sealByTheBook({ key, info, header, place }: typeof RECORD, plaintext: Buffer): Buffer {
  const salt = fixedSalt(32);
  const derived = Buffer.from(hkdfSync('sha512', filled(key), salt, info, 64));
  const lengthPrefixed = place.map((part) => Buffer.concat([Buffer.from([0, 0, 0, part.length]), Buffer.from(part)]));
  const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), Buffer.alloc(12));
  cipher.setAAD(Buffer.concat([header, ...lengthPrefixed, salt, derived.subarray(32)]));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([header, salt, derived.subarray(32), ciphertext, cipher.getAuthTag()]);
}
