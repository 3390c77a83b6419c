import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { minuteOf } from './status/format_times.ts';

/** A link in a line of its own, so that it can be copied. */
export function linkLines(who: string, uri: string, end: Timestamp | undefined): readonly string[] {
  return [`${who} opens this link, until ${minuteOf(end)} UTC:`, uri];
}
