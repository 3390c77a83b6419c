import { timingSafeEqual } from 'node:crypto';
import { Secret } from '../model/secret.ts';
import { createEventGridHandler, type EventGridParts } from './event_grid_secret_change_handler.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, plain } from './http_response.ts';
import { readGridEvent, validationCodeIn } from './parse_event_grid_event.ts';
import { mediaType, readBody } from './read_request_body.ts';
import type { Handler, Route } from './route_types.ts';
import { singleValuedParams } from './single_valued_params.ts';

/** The largest batch that a subscription can request. */
const LARGEST = 2 ** 20;
const MOST_EVENTS = 1_000;
const MEDIA_TYPES = new Set(['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json']);
const VALIDATION = 'microsoft.eventgrid.subscriptionvalidationevent';
/** A delivery property of the event subscription; names that begin with `aeg-` are reserved for Event Grid. */
const KEY_HEADER = 'tokenvault-event-grid-key';
/** The sender's DNS name. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md, section 4 */
const SENDER = /^[A-Za-z0-9*]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

const BODY_ERRORS = {
  400: 'The events are incomplete, or are not JSON.',
  413: `There are too many events: at most ${MOST_EVENTS}, of ${LARGEST} bytes.`,
} as const;

/**
 * `/event-grid`: Azure's events about secrets in key vaults. Event Grid does not resend after 400, 401, 403 or 413, and does after 503.
 * https://learn.microsoft.com/azure/event-grid/delivery-and-retry
 */
export function eventGridRoute(parts: EventGridParts): Route {
  const isAuthorized = keyCheck(parts.keys);
  const handler = createEventGridHandler(parts);

  const authorized = (work: Handler): Handler => {
    return async (httpRequest, part) => {
      if (isAuthorized(httpRequest)) return work(httpRequest, part);
      parts.metrics.received('unauthorized');
      return plain(401, 'The key is missing or wrong.');
    };
  };

  async function accept({ request }: HttpRequest): Promise<HttpResponse> {
    if (!MEDIA_TYPES.has(mediaType(request))) return plain(415, 'Only events in JSON are accepted here.');
    const body = await readBody(request, LARGEST);
    if (typeof body === 'number') return plain(body, BODY_ERRORS[body]);
    const posted = readPosted(body);
    if (posted === undefined) return plain(400, BODY_ERRORS[400]);
    if (posted.length > MOST_EVENTS) return plain(413, BODY_ERRORS[413]);
    const events = posted.map(readGridEvent);
    const validation = events.find((event) => event?.type === VALIDATION);
    if (validation !== undefined) return confirm(validationCodeIn(validation));
    return (await handler.accept(events)) ? plain(200, 'Accepted.') : plain(503, 'Temporarily unavailable.');
  }

  return { pattern: /^\/event-grid$/, methods: { POST: authorized(accept), OPTIONS: authorized(allow) } };
}

/** Whether the request has one of the keys, as `?key=` or in the header. Compares hashes, so that timing does not even reveal a length. */
function keyCheck(keys: EventGridParts['keys']): (httpRequest: HttpRequest) => boolean {
  const hashOf = (key: Secret) => Buffer.from(key.sha256(), 'hex');
  return ({ query, request }) => {
    const key = singleValuedParams(new URLSearchParams(query), ['key'])?.key ?? request.headers[KEY_HEADER];
    if (typeof key !== 'string') return false;
    const hash = hashOf(new Secret(key));
    return keys().some((one) => timingSafeEqual(hashOf(one), hash));
  };
}

/** One event, or an array of events. */
function readPosted(body: Buffer): readonly unknown[] | undefined {
  try {
    const posted: unknown = JSON.parse(new TextDecoder().decode(body));
    if (Array.isArray(posted)) return posted;
    return typeof posted === 'object' && posted !== null ? [posted] : undefined;
  } catch {
    return undefined;
  }
}

/** The validation handshake of the Event Grid schema. */
function confirm(validationResponse: string | undefined): HttpResponse {
  if (validationResponse === undefined) return plain(400, 'The validation event has no code.');
  const headers = { 'content-type': 'application/json' };
  return { status: 200, headers, body: JSON.stringify({ validationResponse }) };
}

/** The validation handshake of CloudEvents. */
async function allow({ request }: HttpRequest): Promise<HttpResponse> {
  const sender = request.headers['webhook-request-origin'];
  if (typeof sender !== 'string' || !SENDER.test(sender)) {
    return plain(400, 'The header WebHook-Request-Origin is missing or invalid.');
  }
  const headers = { allow: 'POST, OPTIONS', 'webhook-allowed-origin': sender, 'webhook-allowed-rate': '*' };
  return plain(200, 'Allowed.', headers);
}
