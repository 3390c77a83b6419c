import type { EventCursor, Expiry } from '../../expiry/expiry.ts';
import type { ExpiryService } from '../../gen/tokenvault/v1/expiry_service_pb.ts';
import type { Clock } from '../../model/clock.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { toCredentialMessage } from '../messages/credential_message.ts';
import { fromEventTypes, toEventMessage, toParkedMessage } from '../messages/event_message.ts';
import { fromWireTime, given } from '../messages/field_values.ts';
import { nextPageToken, pageRequest } from '../messages/page_token.ts';
import { parseParent } from '../messages/resource_names.ts';
import type { Implementation } from '../pipeline/service_adapter.ts';

export function createExpiryService({
  expiry,
  clock,
}: {
  readonly expiry: Expiry;
  readonly clock: Clock;
}): Implementation<typeof ExpiryService> {
  return {
    async listExpiringCredentials(request, call) {
      const before = fromWireTime('before', request.before);
      const key = ['ListExpiringCredentials', request.parent, before ?? '', String(request.includeUnknown)];
      const page = await expiry.listEnding({
        tenantId: parseParent('parent', request.parent),
        tenantIds: call.tenants,
        before,
        includeUnknown: request.includeUnknown,
        page: pageRequest(request, key),
      });
      const now = clock.now();
      return {
        credentials: page.items.map(({ app, credential }) => toCredentialMessage(app, credential, undefined, now)),
        nextPageToken: nextPageToken(page.next, key),
      };
    },

    async *watchExpiry(request, call) {
      const filter = {
        tenantId: parseParent('parent', request.parent),
        tenantIds: call.tenants,
        types: fromEventTypes('types', request.types),
      };
      for await (const { event, cursor } of expiry.events(readCursor(request.cursor), filter, call.signal()))
        yield { event: event && toEventMessage(event), cursor: String(cursor) };
    },

    async listParkedEvents(request) {
      const key = ['ListParkedEvents', request.sink];
      const page = await expiry.parked(pageRequest(request, key), given(request.sink));
      return { parkedEvents: page.items.map(toParkedMessage), nextPageToken: nextPageToken(page.next, key) };
    },

    async resendParkedEvents(request) {
      return { count: await expiry.resend(request.sink) };
    },
  };
}

/** As many digits as a number is exact with. */
const CURSOR = /^\d{1,15}$/;

function readCursor(text: string): EventCursor {
  if (text === '') return 'now';
  if (text === '-') return 0;
  if (CURSOR.test(text)) return Number(text);
  throw fieldInvalid(
    'cursor',
    'must be the cursor of an answer; leave it out for what happens from now on, or send - for all that is kept',
  );
}
