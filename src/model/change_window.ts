import { DAY, type Duration, MINUTE, type Timestamp } from './clock.ts';

export const WEEKDAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** When the vault may change credentials of an app, by the clocks of a time zone. */
export interface ChangeWindow {
  /** Empty: every day. */
  readonly weekdays: readonly Weekday[];
  /** Full hours, 0 to 23. Empty: all. */
  readonly hours: readonly number[];
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

/** The offsets of all time zones are multiples of it. */
const STEP: Duration = 15 * MINUTE;
/** A single hour of the week, which a change to summer time may skip. */
const LONGEST: Duration = 15 * DAY;

/** When the window is open next: `now` if it is open. */
export function nextOpening(window: ChangeWindow | undefined, now: Timestamp): Timestamp {
  if (window === undefined) return now;
  const local = localTimeIn(window.timeZone);
  const isOpen = (time: Timestamp) => {
    const { weekday, hour } = local(time);
    return has(window.weekdays, weekday) && has(window.hours, hour);
  };
  if (isOpen(now)) return now;
  const first = Math.ceil(now / STEP) * STEP;
  for (let time = first; time <= first + LONGEST; time += STEP) if (isOpen(time)) return time;
  // Windows that never open are refused when they are set.
  return now;
}

function has<Item>(items: readonly Item[], item: Item): boolean {
  return items.length === 0 || items.includes(item);
}

function localTimeIn(timeZone: string): (time: Timestamp) => { weekday: Weekday; hour: number } {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'long', hour: '2-digit', hourCycle: 'h23' });
  return (time) => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
    return { weekday: parts.get('weekday')?.toUpperCase() as Weekday, hour: Number(parts.get('hour')) };
  };
}

/** The name as Intl writes it. Undefined: Intl does not know it, or it is an offset, which has no summer time. */
export function timeZoneOf(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
