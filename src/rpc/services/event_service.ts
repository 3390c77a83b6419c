import type { EventCursor, Expiry } from '../../expiry/expiry_and_event_queries.ts';
import type { EventService } from '../../gen/tokenvault/v1/event_service_pb.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { fromEventTypes, toDeadLetterMessage, toEventMessage } from '../messages/event_message_mapping.ts';
import { given } from '../messages/field_value_conversion.ts';
import { nextPageToken, pageRequest } from '../messages/page_token.ts';
import { parseParent } from '../messages/resource_names.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

export function createEventService({ expiry }: { readonly expiry: Expiry }): Implementation<typeof EventService> {
  return {
    async *watchEvents(request, call) {
      const filter = {
        tenantId: parseParent('parent', request.parent),
        get tenantIds() {
          return call.tenants;
        },
        types: fromEventTypes('types', request.types),
      };
      for await (const { event, cursor } of expiry.events(readCursor(request.cursor), filter, call.signal()))
        yield { event: event && toEventMessage(event), cursor: String(cursor) };
    },

    async listDeadLetters(request) {
      const key = ['ListDeadLetters', request.sink];
      const page = await expiry.deadLetters(pageRequest(request, key), given(request.sink));
      return { deadLetters: page.items.map(toDeadLetterMessage), nextPageToken: nextPageToken(page.next, key) };
    },

    async redeliverDeadLetters(request) {
      return { count: await expiry.redeliver(request.sink) };
    },
  };
}

/** Numbers of up to 15 digits are exact. */
const CURSOR = /^\d{1,15}$/;

function readCursor(text: string): EventCursor {
  if (text === '') return 'now';
  if (text === '-') return 0;
  if (CURSOR.test(text)) return Number(text);
  throw fieldInvalid(
    'cursor',
    'must be the cursor of a response; omit it for new events only, or send - for all stored events',
  );
}
