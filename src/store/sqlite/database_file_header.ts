import { readSync } from 'node:fs';

/** The header of a database file. https://www.sqlite.org/fileformat2.html#the_database_header */
export interface FileHeader {
  readonly bytes: Buffer;
  readonly applicationId: number;
  readonly pageSize: number;
  /** Undefined: the header has no valid page count. */
  readonly pageCount: number | undefined;
  readonly changeCounter: number;
  readonly schemaCookie: number;
  /** See `begin_wal_epoch.ts`. */
  readonly userVersion: number;
}

export const FILE_HEADER_BYTES = 100;

export function parseFileHeader(bytes: Buffer): FileHeader {
  const changeCounter = bytes.readUInt32BE(24);
  return {
    bytes,
    applicationId: bytes.readUInt32BE(68),
    pageSize: bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16),
    // Valid while both change counters agree.
    pageCount: changeCounter === bytes.readUInt32BE(92) ? bytes.readUInt32BE(28) : undefined,
    changeCounter,
    schemaCookie: bytes.readUInt32BE(40),
    userVersion: bytes.readUInt32BE(60),
  };
}

/** Undefined: the file is shorter. */
export function readAt(file: number, length: number, position: number): Buffer | undefined {
  const bytes = Buffer.alloc(length);
  return readSync(file, bytes, 0, length, position) === length ? bytes : undefined;
}
