import { type Command, InvalidArgumentError, Option } from 'commander';
import { DAY, type Duration, HOUR, MINUTE, SECOND, systemClock, type Timestamp } from '../../model/clock.ts';

/** A part of the log. Undefined: without limit. */
export interface Period {
  readonly since?: Timestamp | undefined;
  readonly until?: Timestamp | undefined;
}

export type OutputFlags = Period & { readonly json?: true };

const UNITS: Readonly<Record<string, Duration>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY };
const DURATION = /^(\d{1,6})([smhd])$/;
/** RFC 3339: without an offset, a time would mean another one on each machine. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/i;

/** Adds `--since` and `--until`. */
export function withPeriod(command: Command, isRequired = false): Command {
  return command
    .addOption(
      new Option('--since <time>', 'from this time on: 2026-01-02T15:00:00Z, or 24h ago (s, m, h, d)')
        .argParser(timeOf)
        .makeOptionMandatory(isRequired),
    )
    .addOption(new Option('--until <time>', 'up to this time; the same forms').argParser(timeOf));
}

/** A time, or a duration before `now`. */
export function timeOf(text: string, _before?: unknown, now = systemClock.now()): Timestamp {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * (UNITS[unit] ?? 0);
  const time = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('Give a time as in RFC 3339, 2026-01-02T15:00:00Z, or a duration before now, 24h.');
  }
  return time;
}

/** Whether a part of the period is between the two times. */
export function overlaps(
  { since, until }: Period,
  after: Timestamp | undefined,
  before: Timestamp | undefined,
): boolean {
  return (since ?? 0) <= (before ?? Number.POSITIVE_INFINITY) && (after ?? 0) <= (until ?? Number.POSITIVE_INFINITY);
}
