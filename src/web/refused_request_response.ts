import Negotiator from 'negotiator';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, plain } from './http_response.ts';
import { noticePage } from './pages/notice_page.ts';
import type { WebParts } from './route_types.ts';

/** A page for clients that accept HTML, whose reference is in the log. Others, such as a request for an icon, get a line of text. */
export function refused(
  { failures }: Pick<WebParts, 'failures'>,
  httpRequest: Pick<HttpRequest, 'request' | 'messages' | 'requestId' | 'trace'>,
  status: number,
  which: 'notFound' | 'methodNotAllowed' | 'unreadable',
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  const { messages } = httpRequest;
  const acceptsHtml = new Negotiator(httpRequest.request).mediaType(['text/plain', 'text/html']) === 'text/html';
  if (!acceptsHtml) return plain(status, messages[which].title, headers);
  const reference = failures.requestRefused(httpRequest, status);
  const response = page(status, messages, noticePage(messages, messages[which], reference));
  return { ...response, headers: { ...response.headers, ...headers } };
}
