import {
  durationMs,
  timestampDate,
  timestampMs,
  type Duration as WireDuration,
  type Timestamp as WireTimestamp,
} from '@bufbuild/protobuf/wkt';
import { span } from '../../model/time_span_text.ts';

export function until(time: WireTimestamp | undefined, now: number): string {
  return time === undefined ? '' : span(timestampMs(time) - now);
}

export function ago(duration: WireDuration | undefined): string {
  return `${spanOf(duration)} ago`;
}

export function spanOf(duration: WireDuration | undefined): string {
  return span(duration === undefined ? 0 : durationMs(duration));
}

/** In UTC, as in the log. */
export function minuteOf(time: WireTimestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString().slice(0, 16).replace('T', ' ');
}

/** For JSON. */
export function timeOf(time: WireTimestamp | undefined): string | null {
  return time === undefined ? null : timestampDate(time).toISOString();
}

/** In UTC. */
export function dayOf(time: WireTimestamp): string {
  return timestampDate(time).toISOString().slice(0, 10);
}
