import {
  clone,
  type DescField,
  type DescMessage,
  getOption,
  type Message,
  ScalarType,
  toJsonString,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { sensitive } from '../../gen/tokenvault/v1/sensitive_pb.ts';

const MASK = '[redacted]';

/**
 * JSON of a message for a log: fields that the proto marks `sensitive` are masked at any depth, bytes (images) are left
 * out. Never throws.
 */
export function redactedJson(schema: DescMessage, message: Message): string {
  try {
    const copy = clone(schema, message);
    redact(reflect(schema, copy));
    return toJsonString(schema, copy);
  } catch {
    // Some messages have no JSON form, such as a Timestamp in the year 100,000.
    return '"[not printable]"';
  }
}

function redact(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (getOption(field, sensitive) || field.scalar === ScalarType.BYTES) mask(message, field);
    else descend(message, field);
  }
}

/** A string is masked, so that its presence is visible. Other values are left out. */
function mask(message: ReflectMessage, field: DescField): void {
  if (field.fieldKind === 'scalar' && typeof message.get(field) === 'string') message.set(field, MASK);
  else message.clear(field);
}

function descend(message: ReflectMessage, field: DescField): void {
  if (field.fieldKind === 'message') redact(message.get(field));
  else if (field.fieldKind === 'list' && field.listKind === 'message')
    for (const item of message.get(field)) redact(item as ReflectMessage);
  else if (field.fieldKind === 'map' && field.mapKind === 'message')
    for (const [, item] of message.get(field)) redact(item as ReflectMessage);
}
