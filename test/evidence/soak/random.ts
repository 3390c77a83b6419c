import { SECOND } from '../../../src/model/clock.ts';

/** Random numbers that a seed reproduces. */
export interface SeededRandom {
  /** 0 to 1. */
  next(): number;
  pick<One>(from: readonly One[]): One;
  /** Whole seconds; each order of magnitude is as likely as the others. */
  logBetween(shortest: number, longest: number): number;
  /** Whole seconds between events that come independently. */
  exponential(mean: number): number;
}

/** Mulberry32: 32 bits of state are enough to choose faults. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    next,
    pick(from) {
      const one = from[Math.floor(next() * from.length)];
      if (one === undefined) throw new RangeError('there is nothing to pick from');
      return one;
    },
    logBetween: (shortest, longest) => toSeconds(shortest * (longest / shortest) ** next()),
    exponential: (mean) => toSeconds(-Math.log(1 - next()) * mean),
  };
}

function toSeconds(milliseconds: number): number {
  return Math.round(milliseconds / SECOND) * SECOND;
}
