import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { fieldInvalid } from '../model/errors.ts';
import type { Logo } from '../model/logo.ts';

const MOST_BYTES = 32 * 1_024;
const LONGEST_SIDE = 1_024;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Recognized by their content, whatever the caller calls them. SVG is excluded, because it can contain scripts. */
const FORMATS = [
  { mediaType: 'image/png', sizeOf: pngSize },
  { mediaType: 'image/jpeg', sizeOf: jpegSize },
  { mediaType: 'image/webp', sizeOf: webpSize },
] as const;

/** The content of `App.logo`; undefined if it is empty. FIELD_INVALID. */
export function checkLogo(bytes: Uint8Array): Logo | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length > MOST_BYTES) throw invalid(`is too large (${bytes.length} bytes)`);
  // A copy, because the buffer of the request may be reused.
  const image = new Uint8Array(bytes);
  for (const { mediaType, sizeOf } of FORMATS) {
    const size = sizeOf(image);
    if (size === undefined) continue;
    const { width, height } = size;
    if (![width, height].every((side) => side >= 1 && side <= LONGEST_SIDE)) {
      throw invalid(`has ${width} x ${height} pixels`);
    }
    return { mediaType, image, hash: createHash('sha256').update(image).digest('hex') };
  }
  throw invalid('is not a valid image, or is animated');
}

function invalid(problem: string): Error {
  return fieldInvalid(
    'app.logo',
    `${problem}. Use a complete, still PNG, JPEG or WebP image of at most 32 KiB with 1 to ${LONGEST_SIDE} pixels a side.`,
  );
}

/*
 * The sizes below are undefined unless the bytes are one complete image that is not animated: each part of the format
 * where the previous one says that it begins, and nothing after the last. The pixels are left to the browser.
 */

/** https://www.w3.org/TR/png-3/ : chunks with a CRC each; `acTL` makes it an animation. */
function pngSize(image: Uint8Array): Size | undefined {
  const view = viewOf(image);
  if (image.length < 33 || view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a) return undefined;
  const types: string[] = [];
  let at = 8;
  while (at + 12 <= image.length) {
    const end = at + 12 + view.getUint32(at);
    if (end > image.length || crc32(image.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) return undefined;
    types.push(fourCharacters(image, at + 4));
    at = end;
  }
  const isComplete = at === image.length && types[0] === 'IHDR' && types.includes('IDAT') && types.at(-1) === 'IEND';
  if (!isComplete || types.includes('acTL')) return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** ITU T.81, annex B: segments up to the first scan, and an end of image. The format has no animation. */
function jpegSize(image: Uint8Array): Size | undefined {
  const view = viewOf(image);
  if (image.length < 4 || view.getUint16(0) !== 0xffd8 || view.getUint16(image.length - 2) !== 0xffd9) return undefined;
  let size: Size | undefined;
  let at = 2;
  while (at + 9 <= image.length) {
    const marker = view.getUint16(at);
    if (marker === 0xffda) return size;
    // Before the first scan there are only segments with a length: no restart markers, no other start or end of image.
    if (marker < 0xffc0 || (marker >= 0xffd0 && marker <= 0xffd9)) return undefined;
    // B.2.2, frame header: SOF0 to SOF15 without DHT, JPG and DAC.
    const isFrame = marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc;
    if (isFrame) size ??= { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** RFC 9649: chunks in a RIFF container; `ANIM` makes it an animation. */
function webpSize(image: Uint8Array): Size | undefined {
  const view = viewOf(image);
  if (image.length < 25 || fourCharacters(image, 0) !== 'RIFF' || fourCharacters(image, 8) !== 'WEBP') return undefined;
  const types: string[] = [];
  let at = 12;
  while (at + 8 <= image.length) {
    types.push(fourCharacters(image, at));
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size % 2);
  }
  const isComplete = at === image.length && view.getUint32(4, true) + 8 === image.length;
  const isAnimated = types.some((type) => type === 'ANIM' || type === 'ANMF');
  if (!isComplete || isAnimated || !types.some((type) => type === 'VP8 ' || type === 'VP8L')) return undefined;
  if (types[0] === 'VP8L') {
    const sides = view.getUint32(21, true);
    return image[20] === 0x2f ? { width: 1 + (sides & 0x3fff), height: 1 + ((sides >>> 14) & 0x3fff) } : undefined;
  }
  if (image.length < 30) return undefined;
  if (types[0] === 'VP8X') {
    return { width: 1 + (view.getUint32(24, true) & 0xffffff), height: 1 + (view.getUint32(26, true) >>> 8) };
  }
  // RFC 6386, 9.1: a start code, then 14 bits for each side.
  if (types[0] !== 'VP8 ' || (view.getUint32(22) & 0xffffff) !== 0x9d012a) return undefined;
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.length);
}

function fourCharacters(image: Uint8Array, at: number): string {
  return String.fromCharCode(...image.subarray(at, at + 4));
}
