import type { Kek } from './kek.ts';

/** Where the root keys come from. Asked once at start; an unreachable source later changes nothing for callers. */
export interface KeySource {
  /** As the operator wrote it; shown in messages. */
  readonly name: string;
  /** Fails with KEY_SOURCE_UNAVAILABLE. */
  load(): Promise<Keks>;
}

export interface Keks {
  /** Wraps and unwraps. */
  readonly current: Kek;
  /** Only unwraps, while a rotation is under way. */
  readonly previous?: Kek;
}

/** A previous key equal to the current one is none: an operator copied the file or set the secret twice. */
export function pairKeks(current: Kek, previous: Kek | undefined): Keks {
  return previous === undefined || previous.id.equals(current.id) ? { current } : { current, previous };
}
