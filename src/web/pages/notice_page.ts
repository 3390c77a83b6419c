import { type Html, html } from '../escaping_html_template.ts';
import type { Messages, NoticeMessages } from '../messages/page_message_types.ts';
import { document } from './page_layout.ts';
import { referenceLine } from './reference_line.ts';

/** A page without a product: not found, method not allowed, back from Microsoft. */
export function noticePage(messages: Messages, { title, text }: NoticeMessages, reference?: string): Html {
  const body = html`<h1>${title}</h1><p class="lead">${text}</p>${reference && referenceLine(messages, reference)}`;
  return document({ messages, title, product: undefined, body });
}
