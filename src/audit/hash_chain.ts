import { createHmac, type KeyObject } from 'node:crypto';

/** A point of the chain: after the seal of entry `number`. */
export interface ChainPoint {
  /** Number of the last entry. */
  readonly number: number;
  /** Hex. */
  readonly chain: string;
}

/** Text, or its bytes in UTF-8. */
export type Lines = string | Uint8Array;

/** The chain before the first entry. */
export const GENESIS: ChainPoint = { number: 0, chain: '0'.repeat(64) };

/** The key of one stream: all replicas share the audit key, and each stream has its own id. */
export interface StreamKey {
  readonly key: KeyObject;
  readonly streamId: string;
}

/**
 * Keyed hash of the stream, of a group of lines and of the hash before it: without the key, no line can be edited,
 * removed, or moved within a stream or to another one unnoticed. One hash per group, because a `createHmac` per entry
 * halved the throughput of cache hits. Stream id and hash have a fixed length, so the input is unambiguous.
 */
export function chainOf({ key, streamId }: StreamKey, previous: string, lines: Lines): string {
  return createHmac('sha256', key).update(streamId, 'utf8').update(previous, 'hex').update(lines).digest('hex');
}

/** Last line of a group: the number of its last entry, and the chain value after it. */
export function sealLine({ number, chain }: ChainPoint): string {
  return `{"seal":${number},"chain":"${chain}"}\n`;
}

/**
 * First line of a file and of each run of the program: the stream, where its chain continues, and the state of the log
 * before it.
 */
export function openingLine({ after, streamId: stream, instance, time, found }: Opening): string {
  const { number: open, chain: previous } = after;
  return `${JSON.stringify({ open, previous, stream, instance, time: new Date(time).toISOString(), found })}\n`;
}

export interface Opening {
  readonly after: ChainPoint;
  readonly streamId: string;
  readonly instance: string;
  readonly time: number;
  /**
   * State of the log before this line. `torn`: lines without a seal (a crash). `cut`: the log ends before the
   * checkpoint in the database, or the file of the stream before is missing. `altered`: a seal is not valid.
   */
  readonly found: 'whole' | 'torn' | 'cut' | 'altered';
}

/**
 * First line of the file after one whose `fdatasync` failed. The earlier file may end anywhere between the two points.
 */
export function gapLine({ durable, written, streamId, error, instance, time }: Gap): string {
  return `${JSON.stringify({
    gap: durable.number,
    previous: durable.chain,
    stream: streamId,
    written: written.number,
    written_chain: written.chain,
    error,
    instance,
    time: new Date(time).toISOString(),
  })}\n`;
}

export interface Gap {
  /** The last synced point. The chain continues from here, and the groups after it are repeated. */
  readonly durable: ChainPoint;
  readonly written: ChainPoint;
  readonly streamId: string;
  /** Code of the system error, such as `EIO`. */
  readonly error: string;
  readonly instance: string;
  readonly time: number;
}
