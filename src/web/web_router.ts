import Negotiator from 'negotiator';
import { linkRoute } from './consent_link_route.ts';
import { eventGridRoute } from './event_grid_route.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, plain } from './http_response.ts';
import { logoRoute } from './logo_route.ts';
import { callbackRoute } from './oauth_callback_route.ts';
import { noticePage } from './pages/notice_page.ts';
import type { Handler, WebParts } from './route_types.ts';

/** The addresses for browsers and Azure. */
export function createRoutes(parts: WebParts): (httpRequest: HttpRequest) => Promise<HttpResponse> {
  const routes = [
    linkRoute(parts, 'user', '/connect/', parts.authorizations),
    linkRoute(parts, 'administrator', '/admin-consent/', parts.adminConsents),
    callbackRoute(parts),
    logoRoute(parts),
    ...(parts.eventGrid === undefined ? [] : [eventGridRoute(parts.eventGrid)]),
  ];
  return async (httpRequest) => {
    for (const { pattern, methods } of routes) {
      const match = pattern.exec(httpRequest.path);
      if (match === null) continue;
      const handlers = new Map<string, Handler>(Object.entries(methods));
      const handle = handlers.get(httpRequest.method);
      if (handle !== undefined) return handle(httpRequest, match[1] ?? '');
      return notice(httpRequest, 405, 'methodNotAllowed', { allow: [...handlers.keys()].join(', ') });
    }
    return notice(httpRequest, 404, 'notFound', {});
  };
}

/** A page for clients that accept HTML, a line of text for all others. */
function notice(
  { request, messages }: HttpRequest,
  status: number,
  which: 'notFound' | 'methodNotAllowed',
  headers: Readonly<Record<string, string>>,
): HttpResponse {
  const acceptsHtml = new Negotiator(request).mediaType(['text/plain', 'text/html']) === 'text/html';
  if (!acceptsHtml) return plain(status, messages[which].title, headers);
  const response = page(status, messages, noticePage(messages, messages[which]));
  return { ...response, headers: { ...response.headers, ...headers } };
}
