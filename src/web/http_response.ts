import type { ServerResponse } from 'node:http';
import type { Html } from './html.ts';
import type { Words } from './messages/messages.ts';

/** What a browser is answered. Nothing in it comes from the request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export function page(status: number, { language }: Words, html: Html): Answer {
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

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${text}\n` };
}

/** See Other: the browser follows with a GET, whatever it came with. RFC 9110, section 15.4.4. */
export function seeOther(location: string): Answer {
  return plain(303, 'Go on.', { location });
}

/** What the answer itself says goes before what all answers say. */
export function sendAnswer(response: ServerResponse, answer: Answer, every: Readonly<Record<string, string>>): void {
  const length = String(Buffer.byteLength(answer.body));
  response.writeHead(answer.status, { ...every, ...answer.headers, 'content-length': length });
  response.end(response.req.method === 'HEAD' ? undefined : answer.body);
}
