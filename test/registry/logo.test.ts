import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { checkLogo } from '../../src/registry/check_logo_image.ts';
import { extended, jpeg, jpegOf, LOSSLESS, LOSSY, png, webp } from './images.ts';

const WHOLE: readonly (readonly [string, Uint8Array])[] = [
  ['image/png', png(3, 2)],
  ['image/jpeg', jpeg()],
  ['image/webp', webp(LOSSY)],
  ['image/webp', webp(LOSSLESS)],
  ['image/webp', webp(extended(3, 2), LOSSY)],
];

const noise = (length: number): readonly [string, Uint8Array] => ['teXt', new Uint8Array(length)];

describe('accepted', () => {
  test.each(WHOLE)('%s, recognized by its bytes (%#)', (mediaType, image) => {
    const hash = createHash('sha256').update(image).digest('hex');
    expect(checkLogo(image)).toEqual({ mediaType, image, hash });
  });

  test.each([
    ['one pixel', png(1, 1)],
    ['1024 pixels a side', png(1024, 1024)],
    ['1024 pixels a side', jpegOf(1024, 1024)],
    ['1024 pixels a side', webp(extended(1024, 1024), LOSSY)],
    ['32 KiB', png(1, 1, noise(32_768 - png(1, 1, noise(0)).length))],
    ['a comment', jpeg(new Uint8Array([0xff, 0xfe, 0, 4, 0x68, 0x69]))],
  ])('%s (%#)', (_, image) => {
    expect(checkLogo(image)?.image).toEqual(image);
  });

  test('an empty field means no logo', () => {
    expect(checkLogo(new Uint8Array())).toBeUndefined();
  });

  test('the stored image does not share memory with the request', () => {
    const request = Buffer.concat([Buffer.from('before'), png(3, 2), Buffer.from('behind')]);
    const logo = checkLogo(request.subarray(6, -6));
    request.fill(0);
    expect(logo?.image).toEqual(png(3, 2));
    expect(logo?.image.buffer.byteLength).toBe(png(3, 2).length);
  });
});

describe('rejected, with the limits in the message', () => {
  const rejected: readonly (readonly [string, Uint8Array])[] = [
    ['one byte too much', png(1, 1, noise(32_769 - png(1, 1, noise(0)).length))],
    ['a side of 1025 pixels', png(1025, 1)],
    ['a side of 1025 pixels', png(1, 1025)],
    ['a side of 1025 pixels', jpegOf(1025, 2)],
    ['a side of 1025 pixels', webp(extended(1025, 2), LOSSY)],
    ['a side without pixels', png(0, 1)],
    ['a side without pixels', jpegOf(3, 0)],
    ['an animated PNG', png(3, 2, ['acTL', new Uint8Array(8)])],
    ['an animated WebP', webp(extended(3, 2, 0x02), ['ANIM', new Uint8Array(6)], ['ANMF', new Uint8Array(16)])],
    ['an animated WebP with a still image', webp(extended(3, 2, 0x02), ['ANIM', new Uint8Array(6)], LOSSY)],
    ['a WebP without an image', webp(extended(3, 2))],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"/>')],
    ['GIF', Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')],
    ['text', Buffer.from('logo.png')],
    ['a page behind an image', Buffer.concat([png(3, 2), Buffer.from('<script>')])],
    ['a page behind an image', Buffer.concat([jpeg(), Buffer.from('<script>')])],
    ['a page behind an image', Buffer.concat([webp(LOSSY), Buffer.from('<script>')])],
    ['a JPEG with something between its segments', jpeg(new Uint8Array([0, 0, 0, 2]))],
    ['a JPEG in a JPEG', jpeg(jpeg())],
    ['one byte', new Uint8Array([0x89])],
  ];

  test.each(rejected)('%s (%#)', (_, image) => {
    expect(refusalOf(image)).toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'app.logo' } });
    expect(refusalOf(image)?.message).toMatch(/PNG, JPEG or WebP.* 32 KiB .* 1024 pixels/);
  });

  test.each(WHOLE)('%s, truncated anywhere (%#)', (_, image) => {
    for (let length = 1; length < image.length; length += 1) {
      expect(refusalOf(image.subarray(0, length))?.reason).toBe('FIELD_INVALID');
    }
  });
});

test('a PNG with any flipped bit is rejected', () => {
  const image = png(3, 2);
  for (let bit = 0; bit < image.length * 8; bit += 1) {
    const wrong = image.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    expect(refusalOf(wrong)?.reason).toBe('FIELD_INVALID');
  }
});

describe('any input is accepted unchanged, or rejected', () => {
  const damaged = fc
    .tuple(
      fc.constantFrom(...WHOLE.map(([, image]) => image)),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(),
    )
    .map(([image, changes, inserted, where]) => {
      const place = where % image.length;
      const bytes = Buffer.concat([image.subarray(0, place), inserted, image.subarray(place)]);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return new Uint8Array(bytes);
    });
  const beginning = fc
    .tuple(
      fc.constantFrom(...WHOLE.map(([, image]) => image), new Uint8Array()),
      fc.nat({ max: 40 }),
      fc.uint8Array({ maxLength: 4_096 }),
    )
    .map(([image, kept, rest]) => new Uint8Array([...image.subarray(0, kept), ...rest]));

  test.each([
    ['damaged images', damaged],
    ["noise with an image's beginning", beginning],
  ])('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        const refusal = refusalOf(bytes);
        if (refusal !== undefined) return refusal.reason === 'FIELD_INVALID';
        const logo = checkLogo(bytes);
        return logo === undefined ? bytes.length === 0 : Buffer.compare(logo.image, bytes) === 0;
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Anything but a VaultError fails the test. */
function refusalOf(image: Uint8Array): VaultError | undefined {
  try {
    checkLogo(image);
    return undefined;
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
}
