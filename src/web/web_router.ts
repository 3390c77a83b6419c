import { linkRoute } from './consent_link_route.ts';
import { eventGridRoute } from './event_grid_route.ts';
import type { HttpRequest } from './http_request.ts';
import type { HttpResponse } from './http_response.ts';
import { logoRoute } from './logo_route.ts';
import { callbackRoute } from './oauth_callback_route.ts';
import { refused } from './refused_request_response.ts';
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
      return refused(parts, httpRequest, 405, 'methodNotAllowed', { allow: [...handlers.keys()].join(', ') });
    }
    return refused(parts, httpRequest, 404, 'notFound');
  };
}
