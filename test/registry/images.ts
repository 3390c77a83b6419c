import { crc32, deflateSync } from 'node:zlib';

/** The smallest valid images, generated here so that tests can damage each byte. */

export function png(width: number, height: number, ...more: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const pixels = deflateSync(Buffer.alloc(height * (width + 1)));
  const chunks = [['IHDR', header], ...more, ['IDAT', pixels], ['IEND', new Uint8Array()]] as const;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return plain(signature, ...chunks.map(([type, data]) => pngChunk(type, data)));
}

/** 3 x 2 pixels, created by Chromium. */
export function jpeg(...more: readonly Uint8Array[]): Uint8Array {
  return plain(JPEG.subarray(0, 20), ...more, JPEG.subarray(20));
}

export function jpegOf(width: number, height: number): Uint8Array {
  const bytes = Buffer.from(jpeg());
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0, 0x00, 0x11, 0x08]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return plain(bytes);
}

/** 3 x 2 pixels. */
export const LOSSY = [
  'VP8 ',
  hex('9001009d012a0300020004006825a00274ba00039800feee0a670daab2b6ffe668fbcdf65bd0e000'),
] as const;
export const LOSSLESS = ['VP8L', hex('2f024000000710658efe0722a2ff01')] as const;

export function extended(width: number, height: number, flags = 0): readonly [string, Uint8Array] {
  const data = Buffer.alloc(10);
  data.writeUInt8(flags, 0);
  data.writeUIntLE(width - 1, 4, 3);
  data.writeUIntLE(height - 1, 7, 3);
  return ['VP8X', data];
}

export function webp(...chunks: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const body = chunks.map(([type, data]) => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
  });
  const riff = Buffer.alloc(12);
  riff.write('RIFF', 'latin1');
  riff.writeUInt32LE(4 + Buffer.concat(body).length, 4);
  riff.write('WEBP', 8, 'latin1');
  return plain(riff, ...body);
}

function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

function plain(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function hex(text: string): Uint8Array {
  return plain(Buffer.from(text, 'hex'));
}

const JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAACAAMDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAABAX/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCWAKuv/9k=',
  'base64',
);
