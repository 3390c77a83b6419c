import type { MessageInitShape } from '@bufbuild/protobuf';
import { Event_Severity, type EventSchema } from '../../gen/tokenvault/v1/event_pb.ts';
import type { DeadLetterSchema } from '../../gen/tokenvault/v1/event_service_pb.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { EVENT_TYPES, eventFacts } from '../../model/event_data_format.ts';
import type { Delivery } from '../../model/event_delivery.ts';
import { DEFAULT_TYPES, isOfType } from '../../model/event_sink.ts';
import type { VaultEvent } from '../../model/vault_event.ts';
import { toWireTime } from './field_value_conversion.ts';

export function toEventMessage(event: VaultEvent): MessageInitShape<typeof EventSchema> {
  return {
    id: event.uid,
    type: event.type,
    subject: event.subject,
    severity: Event_Severity[event.severity],
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

/** Event types and prefixes with their dot. An unknown type is rejected, because its events would never arrive. */
export function fromEventTypes(field: string, texts: readonly string[]): ReadonlySet<string> {
  if (texts.length === 0) return new Set(DEFAULT_TYPES);
  const known = (text: string) => EVENT_TYPES.filter((type) => isOfType(type, text));
  if (texts.every((text) => known(text).length > 0)) return new Set(texts.flatMap(known));
  throw fieldInvalid(
    field,
    `must be event types, or prefixes with their dot; omit it for all but connection.changed. Event types: ${EVENT_TYPES.join(', ')}`,
  );
}
