import type { Html } from './escaping_html_template.ts';
import type { Messages } from './messages/page_message_types.ts';

/** A response of the web or the ops listener. It repeats nothing of the request. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Of a page: its style is allowed by the content security policy. */
  readonly accentColor?: string | undefined;
}

/** `accentColor`: of the product that the page names. */
export function page(status: number, { language }: Messages, html: Html, accentColor?: string): HttpResponse {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': language,
      vary: 'accept, accept-language',
    },
    body: html.toString(),
    accentColor,
  };
}

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${text}\n` };
}

/** The browser follows with a GET, whatever method it used. RFC 9110, section 15.4.4. */
export function seeOther(location: string): HttpResponse {
  return plain(303, 'See Other', { location });
}
