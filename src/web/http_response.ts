import type { ServerResponse } from 'node:http';
import type { Html } from './html.ts';
import type { Messages } from './messages/messages.ts';

/** What a browser is answered. Nothing in it comes from the request. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export function page(status: number, { language }: Messages, html: Html): HttpResponse {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': language,
      vary: 'accept, accept-language',
    },
    body: html.toString(),
  };
}

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${text}\n` };
}

/** See Other: the browser follows with a GET, whatever it came with. RFC 9110, section 15.4.4. */
export function seeOther(location: string): HttpResponse {
  return plain(303, 'Go on.', { location });
}

/** What the answer itself says goes before what all answers say. */
export function sendResponse(
  response: ServerResponse,
  answer: HttpResponse,
  every: Readonly<Record<string, string>>,
): void {
  const length = String(Buffer.byteLength(answer.body));
  response.writeHead(answer.status, { ...every, ...answer.headers, 'content-length': length });
  response.end(response.req.method === 'HEAD' ? undefined : answer.body);
}
