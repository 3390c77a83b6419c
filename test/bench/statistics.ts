/** NaN without numbers. Interpolates linearly between neighbours (type 7, the default of R and NumPy). */
export function quantile(values: readonly number[] | Float64Array, fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The median with the middle half of the values, which shows the variation of the rounds. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75), rounds: values.length };
}

/** Ratio of each round to its partner: drift of the machine affects both, and cancels out. */
export function pairedRatio(values: readonly number[], partners: readonly number[]): Spread {
  return spread(values.map((value, round) => value / (partners[round] ?? Number.NaN)));
}

/** Each round has the next of all orders, so that none always runs first, or always after the same one. */
export function orderOf<T>(things: readonly T[], round: number): T[] {
  const orders = permutations(things);
  return orders[round % orders.length] ?? [...things];
}

function permutations<T>(things: readonly T[]): T[][] {
  if (things.length <= 1) return [[...things]];
  return things.flatMap((first, at) =>
    permutations([...things.slice(0, at), ...things.slice(at + 1)]).map((rest) => [first, ...rest]),
  );
}
