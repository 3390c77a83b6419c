/** Entries `from` to `to`, both included. */
export interface EntryRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Why a seal or an opening is not valid. `missing`: entries before it were removed. `reordered`: its entries, or their
 * file, are not where they were written. `foreign`: lines of another stream. `altered`: lines were edited or added, or
 * the seal was.
 */
export type FaultKind = 'missing' | 'reordered' | 'foreign' | 'altered';

export interface ChainFault {
  readonly kind: FaultKind;
  /** Of `missing`: the entries that lack. */
  readonly missing?: EntryRange;
}

/** The fault of a group whose seal is not valid, from the numbers of its entries. */
export function faultOf(numbers: readonly number[], last: number, sealed: number): ChainFault {
  const isAscending = numbers.every((n, index) => n > (numbers[index - 1] ?? last));
  if (!isAscending || sealed < last || numbers.some((n) => n > sealed)) return { kind: 'reordered' };
  const present = new Set(numbers);
  let from = last + 1;
  while (present.has(from)) from += 1;
  let to = sealed;
  while (present.has(to)) to -= 1;
  return from > to ? { kind: 'altered' } : { kind: 'missing', missing: { from, to } };
}

/** Entries that are elsewhere in the files are not missing. */
export function isDisplaced({ from, to }: EntryRange, displaced: ReadonlySet<number>): boolean {
  for (let n = from; n <= to; n += 1) if (!displaced.has(n)) return false;
  return true;
}
