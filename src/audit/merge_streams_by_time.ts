import { timeOf } from './parse_chain_line.ts';
import type { ReadEntry } from './verify_stream_files.ts';

type Reader<Result> = Generator<ReadEntry, Result, void>;

interface Head<Result> {
  readonly reader: Reader<Result>;
  readonly next: IteratorResult<ReadEntry, Result>;
  readonly time: number;
}

/** Yields the entries of several streams, the oldest of their next ones first, and returns their results in order. */
export function* mergeByTime<Result>(readers: readonly Reader<Result>[]): Generator<ReadEntry, Result[], void> {
  const heads = readers.map(read);
  for (;;) {
    const oldest = heads.reduce((one, other) => (other.time < one.time ? other : one), heads[0] as Head<Result>);
    if (oldest === undefined || oldest.next.done === true) break;
    yield oldest.next.value;
    heads[heads.indexOf(oldest)] = read(oldest.reader);
  }
  return heads.map(({ next }) => next.value as Result);
}

function read<Result>(reader: Reader<Result>): Head<Result> {
  const next = reader.next();
  // An entry without a time comes at once, so that it does not hold its stream back.
  return { reader, next, time: next.done === true ? Number.POSITIVE_INFINITY : (timeOf(next.value.text) ?? 0) };
}
