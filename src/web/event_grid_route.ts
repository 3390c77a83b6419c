import { readGridEvent, validationCodeIn } from './event_grid_event.ts';
import { createEventGridHandler } from './event_grid_handler.ts';
import { hasKey } from './event_grid_key_check.ts';
import type { EventGridParts } from './event_grid_parts.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, plain } from './http_response.ts';
import { mediaType, readBody } from './read_body.ts';
import type { Route } from './route.ts';

/** The largest batch that a subscription can ask for. */
const LARGEST = 2 ** 20;
const MOST_EVENTS = 1_000;
const MEDIA_TYPES = new Set(['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json']);
const VALIDATION = 'microsoft.eventgrid.subscriptionvalidationevent';
/** The sender's name in the DNS. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md, section 4 */
const SENDER = /^[A-Za-z0-9*]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

const NO_EVENTS = {
  400: 'The events did not come whole, or are no JSON.',
  413: `There are too many events: at most ${MOST_EVENTS}, of ${LARGEST} bytes.`,
} as const;

/**
 * `/event-grid`: where Azure tells of secrets in key vaults. What is answered with 400, 401, 403 or 413 does not come again, and what
 * cannot be taken for now (503) does. https://learn.microsoft.com/azure/event-grid/delivery-and-retry
 */
export function eventGridRoute(parts: EventGridParts): Route {
  const isKnown = hasKey(parts.keys);
  const handler = createEventGridHandler(parts);

  const known = (work: (httpRequest: HttpRequest) => Promise<HttpResponse>) => async (httpRequest: HttpRequest) => {
    if (isKnown(httpRequest)) return work(httpRequest);
    parts.metrics.received('unauthorized');
    return plain(401, 'The key is missing, or is not the one of this vault.');
  };

  async function take({ request }: HttpRequest): Promise<HttpResponse> {
    if (!MEDIA_TYPES.has(mediaType(request))) return plain(415, 'Only events in JSON are understood here.');
    const body = await readBody(request, LARGEST);
    if (typeof body === 'number') return plain(body, NO_EVENTS[body]);
    const posted = readPosted(body);
    if (posted === undefined) return plain(400, NO_EVENTS[400]);
    if (posted.length > MOST_EVENTS) return plain(413, NO_EVENTS[413]);
    const events = posted.map(readGridEvent);
    const validation = events.find((event) => event?.type === VALIDATION);
    if (validation !== undefined) return confirm(validationCodeIn(validation));
    return (await handler.take(events)) ? plain(200, 'Taken.') : plain(503, 'Not now.');
  }

  return { pattern: /^\/event-grid$/, methods: { POST: known(take), OPTIONS: known(allow) } };
}

/** One event, or many. */
function readPosted(body: Buffer): readonly unknown[] | undefined {
  try {
    const posted: unknown = JSON.parse(new TextDecoder().decode(body));
    if (Array.isArray(posted)) return posted;
    return typeof posted === 'object' && posted !== null ? [posted] : undefined;
  } catch {
    return undefined;
  }
}

/** The handshake of Event Grid's own schema. */
function confirm(code: string | undefined): HttpResponse {
  if (code === undefined) return plain(400, 'There is no code to confirm.');
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ validationResponse: code }),
  };
}

/** The handshake of CloudEvents. */
async function allow({ request }: HttpRequest): Promise<HttpResponse> {
  const sender = request.headers['webhook-request-origin'];
  if (typeof sender !== 'string' || !SENDER.test(sender)) return plain(400, 'Nobody asks for permission to send.');
  return plain(200, 'Allowed.', {
    allow: 'POST, OPTIONS',
    'webhook-allowed-origin': sender,
    'webhook-allowed-rate': '*',
  });
}
