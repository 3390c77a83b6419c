import { closeSync, openSync, statSync } from 'node:fs';
import { FILE_HEADER_BYTES, type FileHeader, parseFileHeader, readAt } from './database_file_header.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const LITTLE_ENDIAN = 0x377f0682;
const BIG_ENDIAN = 0x377f0683;

/**
 * The headers that checkpoints of a write-ahead log would write to the database file: one per committed copy of page 1, oldest first.
 * https://www.sqlite.org/fileformat2.html#walformat
 */
export function headersInWal(path: string): readonly FileHeader[] {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= HEADER_BYTES) return [];
  const file = openSync(path, 'r');
  try {
    return scan(file);
  } finally {
    closeSync(file);
  }
}

function scan(file: number): readonly FileHeader[] {
  const header = readAt(file, HEADER_BYTES, 0);
  const magic = header?.readUInt32BE(0);
  if (header === undefined || (magic !== LITTLE_ENDIAN && magic !== BIG_ENDIAN)) return [];
  const frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(8);
  const checksum = createChecksum(magic === BIG_ENDIAN);
  checksum.add(header.subarray(0, 24));
  if (!checksum.matches(header, 24)) return [];

  const committed: FileHeader[] = [];
  const uncommitted: FileHeader[] = [];
  for (let offset = HEADER_BYTES; ; offset += frameBytes) {
    const frame = readAt(file, frameBytes, offset);
    // Frames with another salt are older than the last restart of the log. A wrong checksum marks an incomplete write.
    if (frame === undefined || !frame.subarray(8, 16).equals(header.subarray(16, 24))) return committed;
    checksum.add(frame.subarray(0, 8));
    checksum.add(frame.subarray(FRAME_HEADER_BYTES));
    if (!checksum.matches(frame, 16)) return committed;
    const page = frame.subarray(FRAME_HEADER_BYTES);
    if (frame.readUInt32BE(0) === 1) uncommitted.push(parseFileHeader(page.subarray(0, FILE_HEADER_BYTES)));
    if (frame.readUInt32BE(4) > 0) committed.push(...uncommitted.splice(0));
  }
}

/** https://www.sqlite.org/fileformat2.html#checksum_algorithm */
function createChecksum(isBigEndian: boolean) {
  let s0 = 0;
  let s1 = 0;
  return {
    add(bytes: Buffer) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at < bytes.length; at += 8) {
        s0 = (s0 + view.getUint32(at, !isBigEndian) + s1) | 0;
        s1 = (s1 + view.getUint32(at + 4, !isBigEndian) + s0) | 0;
      }
    },
    matches: (bytes: Buffer, at: number) => bytes.readInt32BE(at) === s0 && bytes.readInt32BE(at + 4) === s1,
  };
}
