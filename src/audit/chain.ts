import { createHmac, type KeyObject } from 'node:crypto';

/** A point of the chain: after the seal of entry `number`. */
export interface ChainPoint {
  /** Of the last entry. */
  readonly number: number;
  /** Hex. */
  readonly chain: string;
}

/** The chain before the first entry of all. */
export const GENESIS: ChainPoint = { number: 0, chain: '0'.repeat(64) };

/**
 * One keyed hash closes a group of lines and takes in the one before it, so that no line can be edited, dropped or moved
 * by whoever lacks the key. Per group and not per line: a `createHmac` for each entry halved the throughput of a hit.
 */
export function chainOf(key: KeyObject, previous: string, lines: string): string {
  return createHmac('sha256', key).update(previous, 'hex').update(lines, 'utf8').digest('hex');
}

/** Last line of a group: the number of its last entry, and the chain up to here. */
export function sealLine({ number, chain }: ChainPoint): string {
  return `{"seal":${number},"chain":"${chain}"}\n`;
}

/** First line of a file and of each run of the program: where the chain goes on from, and what was found before it. */
export function openingLine({ after, instance, time, found }: Opening): string {
  const { number: open, chain: previous } = after;
  return `${JSON.stringify({ open, previous, instance, time: new Date(time).toISOString(), found })}\n`;
}

export interface Opening {
  readonly after: ChainPoint;
  readonly instance: string;
  readonly time: number;
  /**
   * `whole`; `torn`: lines without a seal stand before this one (a crash); `cut`: the file ends before the database's checkpoint;
   * `altered`: a seal before it does not fit its group.
   */
  readonly found: 'whole' | 'torn' | 'cut' | 'altered';
}

/** First line of the file that follows one whose `fdatasync` failed: that one may end anywhere between the two points. */
export function gapLine({ durable, written, error, instance, time }: Gap): string {
  return `${JSON.stringify({
    gap: durable.number,
    previous: durable.chain,
    written: written.number,
    written_chain: written.chain,
    error,
    instance,
    time: new Date(time).toISOString(),
  })}\n`;
}

export interface Gap {
  /** The last point that the disk is known to hold. The chain goes on from here, and all groups after it follow once more. */
  readonly durable: ChainPoint;
  readonly written: ChainPoint;
  /** What the system said, `EIO`. */
  readonly error: string;
  readonly instance: string;
  readonly time: number;
}
