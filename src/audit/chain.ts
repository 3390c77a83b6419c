import { createHmac, type KeyObject } from 'node:crypto';

/** The chain before the first entry of all. */
export const GENESIS = '0'.repeat(64);

/**
 * One keyed hash closes a group of lines and takes in the one before it, so that no line can be edited, dropped or moved
 * by whoever lacks the key. Per group and not per line: a `createHmac` for each entry halved the throughput of a hit.
 */
export function chainOf(key: KeyObject, previous: string, lines: string): string {
  return createHmac('sha256', key).update(previous, 'hex').update(lines, 'utf8').digest('hex');
}

/** Last line of a group: the number of its last entry, and the chain up to here. */
export function sealLine(last: number, chain: string): string {
  return `{"seal":${last},"chain":"${chain}"}\n`;
}

/** First line of a file and of each run of the program: where the chain goes on from, and what was found before it. */
export function openingLine(opening: Opening): string {
  return `${JSON.stringify({ open: opening.after, previous: opening.previous, instance: opening.instance, time: new Date(opening.time).toISOString(), found: opening.found })}\n`;
}

export interface Opening {
  /** Number of the last entry before. */
  readonly after: number;
  readonly previous: string;
  readonly instance: string;
  readonly time: number;
  /** `whole`; `torn`: lines without a seal stand before this one (a crash); `cut`: the file ends before the database's checkpoint. */
  readonly found: 'whole' | 'torn' | 'cut';
}
