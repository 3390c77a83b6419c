import { DAY, type Duration, HOUR, MINUTE, SECOND } from './clock.ts';

/** In the largest unit of which there are two, rounded down: `2 h`, `119 min`. */
export function span(duration: Duration): string {
  const [size, unit] = UNITS.find(([size]) => duration >= 2 * size) ?? [SECOND, 's'];
  return `${Math.max(0, Math.floor(duration / size))} ${unit}`;
}

const UNITS = [
  [DAY, 'days'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
] as const;
