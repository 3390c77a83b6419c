import { createSecretKey } from 'node:crypto';
import {
  type ChainPoint,
  chainOf,
  GENESIS,
  gapLine,
  type Opening,
  openingLine,
  sealLine,
} from '../../src/audit/hash_chain.ts';

export const key = createSecretKey(Buffer.alloc(32, 1));
export const STREAM = 'stream-1';
export const timeAt = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second);
export const lineOf = (text: string) => text.trimEnd();
export const entry = (n: number, second = n) => `{"n":${n},"time":"${new Date(timeAt(second)).toISOString()}"}`;

/** Writes lines as a vault does, from this point of the chain. */
export function writer(streamId = STREAM, start: ChainPoint = GENESIS) {
  let point = start;
  const seal = (lines: readonly string[], from: ChainPoint, number: number): string[] => {
    point = { number, chain: chainOf({ key, streamId }, from.chain, lines.map((line) => `${line}\n`).join('')) };
    return [...lines, lineOf(sealLine(point))];
  };
  return {
    get point() {
      return point;
    },
    group: (...numbers: readonly number[]) =>
      seal(
        numbers.map((n) => entry(n)),
        point,
        point.number + numbers.length,
      ),
    open(found: Opening['found'] = 'whole', after = point, second = 40) {
      const line = lineOf(openingLine({ after, streamId, instance: 'i', time: timeAt(second), found }));
      return seal([line], after, after.number);
    },
    gap(durable: ChainPoint, written: ChainPoint) {
      const line = lineOf(gapLine({ durable, written, streamId, error: 'EIO', instance: 'i', time: timeAt(50) }));
      return seal([line], durable, durable.number);
    },
  };
}
