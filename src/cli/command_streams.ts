import type { ReadStream, WriteStream } from 'node:tty';

/** Where a command reads and writes: `process`, or streams of a test. */
export interface CommandStreams {
  readonly stdin: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>;
  readonly stdout: OutputStream;
  /** Messages for people; standard output has the result alone. */
  readonly stderr: OutputStream;
}

export type OutputStream = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;

/** Columns of a terminal; undefined for a pipe and a file, in which nothing is shortened. */
export function widthOf({ isTTY, columns }: OutputStream): number | undefined {
  return isTTY === true ? columns : undefined;
}
