import { createHash } from 'node:crypto';
import type { Logo } from '../../src/model/logo.ts';
import { encodePng } from './png.ts';

const SIDE = 96;

/** Teal. */
const FIELD = [15, 118, 110];

/** A ring on a coloured field with transparent corners. */
export const LOGO: Logo = drawn();

function drawn(): Logo {
  const rows = Array.from({ length: SIDE }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: SIDE }, (_, x) => pixel(x + 0.5, y + 0.5)).flat()]),
  );
  const image = encodePng({ width: SIDE, height: SIDE, color: 6, rows: Buffer.concat(rows) });
  return { mediaType: 'image/png', image, hash: createHash('sha256').update(image).digest('hex') };
}

function pixel(x: number, y: number): number[] {
  const middle = SIDE / 2;
  const fromMiddle = Math.hypot(x - middle, y - middle);
  const isRing = clamp(10 - Math.abs(fromMiddle - 22));
  const corner = 22;
  const beyond = Math.hypot(...[x, y].map((at) => Math.max(0, Math.abs(at - middle) - (middle - corner))));
  const field = FIELD.map((value) => Math.round(value + (255 - value) * isRing));
  return [...field, Math.round(255 * clamp(corner - beyond))];
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
