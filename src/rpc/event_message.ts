import type { MessageInitShape } from '@bufbuild/protobuf';
import { Event_Severity, type EventSchema } from '../gen/tokenvault/v1/event_pb.ts';
import type { ParkedEventSchema } from '../gen/tokenvault/v1/expiry_service_pb.ts';
import type { Delivery } from '../model/delivery.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { EventType, Severity, VaultEvent } from '../model/event.ts';
import { EVENT_TYPES, eventFacts } from '../model/event_facts.ts';
import { toWireTime } from './fields.ts';

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

export function toParkedMessage(delivery: Delivery): MessageInitShape<typeof ParkedEventSchema> {
  return {
    event: toEventMessage(delivery.event),
    sink: delivery.sinkId,
    attempts: delivery.attempts,
    lastError: delivery.lastError ?? '',
    parkTime: toWireTime(delivery.parkTime),
  };
}

/** Every refresh that ends otherwise is one: they are heard by those who ask for them. */
const BY_DEFAULT: ReadonlySet<EventType> = new Set(EVENT_TYPES.filter((type) => type !== 'connection.changed'));

/** Each a type, or with a dot at its end the beginning of some. A type that is misspelt would be waited for in vain. */
export function fromEventTypes(field: string, texts: readonly string[]): ReadonlySet<EventType> {
  if (texts.length === 0) return BY_DEFAULT;
  const chosen = EVENT_TYPES.filter((type) => texts.some((text) => isMeant(text, type)));
  if (texts.every((text) => chosen.some((type) => isMeant(text, type)))) return new Set(chosen);
  throw fieldInvalid(
    field,
    `must be of ${EVENT_TYPES.join(', ')}, or the part of them up to and with the dot; leave it out for all but connection.changed`,
  );
}

function isMeant(text: string, type: EventType): boolean {
  return text === type || (text.endsWith('.') && type.startsWith(text));
}
