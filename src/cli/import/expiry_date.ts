import type { Timestamp } from '../../model/clock.ts';

/** What the portal of 2020 meant by "never". */
const NEVER = Date.UTC(2299, 11, 31);

/** `2027-01-31`, the portal's `1/31/2027`, or `never`; undefined: none of these. */
export function expiryDate(text: string): Timestamp | undefined {
  if (text === 'never') return NEVER;
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const portal = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  const [year, month, day] = (iso === null ? [portal?.[3], portal?.[1], portal?.[2]] : iso.slice(1)).map(Number);
  if (year === undefined || month === undefined || day === undefined || Number.isNaN(year)) return undefined;
  const time = Date.UTC(year, month - 1, day);
  // 31 February is 3 March to a Date.
  return new Date(time).getUTCMonth() === month - 1 && new Date(time).getUTCDate() === day ? time : undefined;
}
