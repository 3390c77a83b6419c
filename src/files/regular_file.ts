import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

export interface RegularFileOptions {
  /** Further flags of `open`. */
  readonly flags?: number;
  readonly notRegular: () => Error;
}

/** All checks and readings use one open file, because its name may refer to another one a moment later. */
export async function withRegularFile<T>(
  path: string,
  { flags = 0, notRegular }: RegularFileOptions,
  use: (file: FileHandle, stats: Stats) => Promise<T>,
): Promise<T> {
  // Opening a pipe would otherwise wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notRegular();
    return await use(file, stats);
  } finally {
    await file.close();
  }
}

/** Undefined: it has more bytes, whatever its size was when it was opened. */
export async function readAtMost(file: FileHandle, bytes: number): Promise<Buffer | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes + 1), 0, bytes + 1, 0);
  return bytesRead > bytes ? undefined : buffer.subarray(0, bytesRead);
}
