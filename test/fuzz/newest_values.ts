import { clone, type DescMethod, fromBinary, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';

/** The newest etags and page tokens of responses, which replace `{{etag}}` in requests: generated ones never fit. */
export function createNewestValues() {
  const values = new Map<string, string>();

  return {
    put(method: DescMethod, message: Message): Message {
      const copy = clone(method.input, message);
      for (const [holder, field, text] of strings(reflect(method.input, copy))) {
        const name = /^\{\{(\w+)\}\}$/.exec(text)?.[1];
        if (name !== undefined) holder.set(field, values.get(name) ?? '');
      }
      return copy;
    },
    take(method: DescMethod, response: Buffer): void {
      const message = reflect(method.output, fromBinary(method.output, response));
      for (const [, field, text] of strings(message)) if (text !== '') values.set(field.name, text);
    },
  };
}

/** The strings at any depth outside of lists. */
function* strings(
  message: ReflectMessage,
): Generator<readonly [ReflectMessage, ReflectMessage['fields'][number], string]> {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === 'message') yield* strings(message.get(field));
    else if (field.fieldKind === 'scalar') {
      const value = message.get(field);
      if (typeof value === 'string') yield [message, field, value];
    }
  }
}
