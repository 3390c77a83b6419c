import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { Logo } from '../../src/model/logo.ts';

const SIDE = 96;

/** A ring on a coloured field, with corners that are seen through: as a product's logo may be. */
export const LOGO: Logo = drawn();

function drawn(): Logo {
  const rows = Array.from({ length: SIDE }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: SIDE }, (_, x) => pixel(x + 0.5, y + 0.5)).flat()]),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  // 8 bits a channel, with transparency.
  header.set([8, 6, 0, 0, 0], 8);
  const image = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return { mediaType: 'image/png', image, hash: createHash('sha256').update(image).digest('hex') };
}

function pixel(x: number, y: number): number[] {
  const middle = SIDE / 2;
  const fromMiddle = Math.hypot(x - middle, y - middle);
  const isRing = clamp(10 - Math.abs(fromMiddle - 22));
  const corner = 22;
  const beyond = Math.hypot(...[x, y].map((at) => Math.max(0, Math.abs(at - middle) - (middle - corner))));
  const field = [15, 118 - y / 3, 110 + x / 3];
  return [
    ...field.map((value) => Math.round(value + (255 - value) * isRing)),
    Math.round(255 * clamp(corner - beyond)),
  ];
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
