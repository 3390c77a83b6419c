import type { MessageInitShape } from '@bufbuild/protobuf';
import { Event_Severity, type EventSchema } from '../../gen/tokenvault/v1/event_pb.ts';
import type { DeadLetterSchema } from '../../gen/tokenvault/v1/event_service_pb.ts';
import type { Delivery } from '../../model/delivery.ts';
import { fieldInvalid } from '../../model/errors.ts';
import type { Severity, VaultEvent } from '../../model/event.ts';
import { eventFacts } from '../../model/event_facts.ts';
import { DEFAULT_TYPES, EVENT_TYPES, isOfType } from '../../model/sink.ts';
import { toWireTime } from './field_values.ts';

const SEVERITY = {
  INFO: Event_Severity.INFO,
  WARNING: Event_Severity.WARNING,
  CRITICAL: Event_Severity.CRITICAL,
} as const satisfies Record<Severity, Event_Severity>;

export function toEventMessage(event: VaultEvent): MessageInitShape<typeof EventSchema> {
  return {
    id: event.uid,
    type: event.type,
    subject: event.subject,
    severity: SEVERITY[event.severity],
    time: toWireTime(event.time),
    data: eventFacts(event),
  };
}

export function toDeadLetterMessage(delivery: Delivery): MessageInitShape<typeof DeadLetterSchema> {
  return {
    event: toEventMessage(delivery.event),
    sink: delivery.sinkId,
    attempts: delivery.attempts,
    lastError: delivery.lastError ?? '',
    deadLetterTime: toWireTime(delivery.deadLetterTime),
  };
}

/** Each a type, or with a dot at its end the beginning of some. A type that is misspelt would be waited for in vain. */
export function fromEventTypes(field: string, texts: readonly string[]): ReadonlySet<string> {
  if (texts.length === 0) return new Set(DEFAULT_TYPES);
  const known = (text: string) => EVENT_TYPES.filter((type) => isOfType(type, text));
  if (texts.every((text) => known(text).length > 0)) return new Set(texts.flatMap(known));
  throw fieldInvalid(
    field,
    `must be of ${EVENT_TYPES.join(', ')}, or the beginning of some with its dot; leave it out for all but connection.changed`,
  );
}
