import { crc32 } from 'node:zlib';

/**
 * Whether bytes are one whole image that does not move, by the frame of their format: each part where the one before says
 * that it begins, and nothing behind the last. The pixels themselves are the browser's business.
 */

/** https://www.w3.org/TR/png-3/ : chunks with a CRC each; `acTL` makes it move. */
export function isWholePng(image: Uint8Array): boolean {
  const view = viewOf(image);
  if (image.length < 8 || view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a) return false;
  const types: string[] = [];
  let at = 8;
  while (at + 12 <= image.length) {
    const end = at + 12 + view.getUint32(at);
    if (end > image.length || crc32(image.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) return false;
    types.push(fourCharacters(image, at + 4));
    at = end;
  }
  const whole = at === image.length && types[0] === 'IHDR' && types.includes('IDAT') && types.at(-1) === 'IEND';
  return whole && !types.includes('acTL');
}

/** ITU T.81, annex B: segments up to the first scan, and an end of image. The format cannot move. */
export function isWholeJpeg(image: Uint8Array): boolean {
  const view = viewOf(image);
  if (image.length < 4 || view.getUint16(0) !== 0xffd8 || view.getUint16(image.length - 2) !== 0xffd9) return false;
  let at = 2;
  while (at + 4 <= image.length) {
    const marker = view.getUint16(at);
    if (marker === 0xffda) return true;
    // Only segments with a length stand before the first scan: no restart markers, no other start or end of image.
    if (marker < 0xffc0 || (marker >= 0xffd0 && marker <= 0xffd9)) return false;
    at += 2 + view.getUint16(at + 2);
  }
  return false;
}

/** RFC 9649: chunks in a RIFF container; `ANIM` makes it move. */
export function isWholeWebp(image: Uint8Array): boolean {
  const view = viewOf(image);
  if (image.length < 20 || fourCharacters(image, 0) !== 'RIFF' || fourCharacters(image, 8) !== 'WEBP') return false;
  const types: string[] = [];
  let at = 12;
  while (at + 8 <= image.length) {
    types.push(fourCharacters(image, at));
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size % 2);
  }
  const whole = at === image.length && view.getUint32(4, true) + 8 === image.length;
  const still = !types.some((type) => type === 'ANIM' || type === 'ANMF');
  return (
    whole && still && types.some((type) => type === 'VP8 ' || type === 'VP8L') && (types[0] ?? '').startsWith('VP8')
  );
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.length);
}

function fourCharacters(image: Uint8Array, at: number): string {
  return String.fromCharCode(...image.subarray(at, at + 4));
}
