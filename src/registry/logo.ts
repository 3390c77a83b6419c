import { createHash } from 'node:crypto';
import { imageSize } from 'image-size';
import { fieldInvalid } from '../model/errors.ts';
import type { Logo } from '../model/logo.ts';
import { isWholeJpeg, isWholePng, isWholeWebp } from './image_format.ts';

const FIELD = 'app.logo';
const MOST_BYTES = 32 * 1_024;
const LONGEST_SIDE = 1_024;
const LIMITS = `must be a PNG, JPEG or WebP image, whole and still, of at most 32 KiB and of 1 to ${LONGEST_SIDE} pixels a side`;

/** Told by their first bytes, never by what was said of them. SVG is a document that can hold scripts. */
const FORMATS = [
  { type: 'png', mediaType: 'image/png', isWhole: isWholePng },
  { type: 'jpg', mediaType: 'image/jpeg', isWhole: isWholeJpeg },
  { type: 'webp', mediaType: 'image/webp', isWhole: isWholeWebp },
] as const;

/** What `App.logo` holds; undefined: it is empty. FIELD_INVALID. */
export function givenLogo(bytes: Uint8Array): Logo | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length > MOST_BYTES) throw refused(`has ${bytes.length} bytes`);
  // A copy in a buffer of its own: image-size reads past the end of a view, and the request's buffer need not live as long.
  const image = new Uint8Array(bytes);
  const format = FORMATS.find(({ isWhole }) => isWhole(image));
  if (format === undefined) throw refused('is none, or is broken, or moves');
  const { width, height } = sizeOf(image);
  const fits = [width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= LONGEST_SIDE);
  if (!fits) throw refused(`has ${width} x ${height}`);
  return { mediaType: format.mediaType, image, hash: createHash('sha256').update(image).digest('hex') };
}

/** A parser of strangers' bytes: whatever it throws blames the image. */
function sizeOf(image: Uint8Array): { readonly width: number; readonly height: number } {
  try {
    return imageSize(image);
  } catch {
    throw refused('has no size that can be read');
  }
}

function refused(why: string): Error {
  return fieldInvalid(FIELD, `${LIMITS}; this one ${why}`);
}
