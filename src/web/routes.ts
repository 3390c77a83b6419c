import Negotiator from 'negotiator';
import { callbackRoute } from './callback_route.ts';
import { eventGridRoute } from './event_grid_route.ts';
import type { Visit } from './http_request.ts';
import { type Answer, page, plain } from './http_response.ts';
import { adminConsentRoute, connectRoute } from './link_route.ts';
import { logoRoute } from './logo_route.ts';
import { noticePage } from './pages/notice_page.ts';
import type { WebParts } from './web_parts.ts';

/** The addresses that browsers and Azure reach. */
export function createRoutes(parts: WebParts): (visit: Visit) => Promise<Answer> {
  const routes = [connectRoute(parts), adminConsentRoute(parts), callbackRoute(parts), logoRoute(parts)];
  if (parts.eventGrid !== undefined) routes.push(eventGridRoute(parts.eventGrid));
  return async (visit) => {
    for (const { pattern, methods } of routes) {
      const match = pattern.exec(visit.path);
      if (match === null) continue;
      const work = Object.entries(methods).find(([method]) => method === visit.method)?.[1];
      return work === undefined ? notInThisWay(visit, Object.keys(methods).join(', ')) : work(visit, match[1] ?? '');
    }
    return notice(visit, 404, 'notFound', {});
  };
}

function notInThisWay(visit: Visit, allow: string): Answer {
  return notice(visit, 405, 'notInThisWay', { allow });
}

/** A page for those who say that they read pages, a line for all others. */
function notice(
  { request, words }: Visit,
  status: number,
  which: 'notFound' | 'notInThisWay',
  headers: Readonly<Record<string, string>>,
): Answer {
  const readsPages = new Negotiator(request).mediaType(['text/plain', 'text/html']) === 'text/html';
  if (!readsPages) return plain(status, words[which].title, headers);
  const answer = page(status, words, noticePage(words, words[which]));
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
