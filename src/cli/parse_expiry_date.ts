import type { Timestamp } from '../model/clock.ts';

/** The portal's value for "never" in 2020. */
const NEVER = Date.UTC(2299, 11, 31);

/** `2027-01-31`, the portal's `1/31/2027`, or `never`; undefined: another text. */
export function expiryDate(text: string): Timestamp | undefined {
  if (text === 'never') return NEVER;
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const portal = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  const [year, month, day] = (iso === null ? [portal?.[3], portal?.[1], portal?.[2]] : iso.slice(1)).map(Number);
  if (year === undefined || month === undefined || day === undefined || Number.isNaN(year)) return undefined;
  const time = Date.UTC(year, month - 1, day);
  // A Date turns 31 February into 3 March.
  return new Date(time).getUTCMonth() === month - 1 && new Date(time).getUTCDate() === day ? time : undefined;
}
