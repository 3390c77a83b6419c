import Negotiator from 'negotiator';
import { callbackRoute } from './callback_route.ts';
import { eventGridRoute } from './event_grid_route.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, plain } from './http_response.ts';
import { adminConsentRoute, connectRoute } from './link_route.ts';
import { logoRoute } from './logo_route.ts';
import { noticePage } from './pages/notice_page.ts';
import type { WebParts } from './web_parts.ts';

/** The addresses that browsers and Azure reach. */
export function createRoutes(parts: WebParts): (httpRequest: HttpRequest) => Promise<HttpResponse> {
  const routes = [connectRoute(parts), adminConsentRoute(parts), callbackRoute(parts), logoRoute(parts)];
  if (parts.eventGrid !== undefined) routes.push(eventGridRoute(parts.eventGrid));
  return async (httpRequest) => {
    for (const { pattern, methods } of routes) {
      const match = pattern.exec(httpRequest.path);
      if (match === null) continue;
      const work = Object.entries(methods).find(([method]) => method === httpRequest.method)?.[1];
      return work === undefined
        ? notInThisWay(httpRequest, Object.keys(methods).join(', '))
        : work(httpRequest, match[1] ?? '');
    }
    return notice(httpRequest, 404, 'notFound', {});
  };
}

function notInThisWay(httpRequest: HttpRequest, allow: string): HttpResponse {
  return notice(httpRequest, 405, 'notInThisWay', { allow });
}

/** A page for those who say that they read pages, a line for all others. */
function notice(
  { request, messages }: HttpRequest,
  status: number,
  which: 'notFound' | 'notInThisWay',
  headers: Readonly<Record<string, string>>,
): HttpResponse {
  const readsPages = new Negotiator(request).mediaType(['text/plain', 'text/html']) === 'text/html';
  if (!readsPages) return plain(status, messages[which].title, headers);
  const answer = page(status, messages, noticePage(messages, messages[which]));
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
