import { type Html, html } from '../html.ts';
import type { Messages, NoticeMessages } from '../messages/messages.ts';
import { document } from './html_document.ts';

/** A page without a product: not found, method not allowed, back from Microsoft. */
export function noticePage(messages: Messages, { title, text }: NoticeMessages): Html {
  return document({ messages, title, product: undefined, body: html`<h1>${title}</h1><p class="lead">${text}</p>` });
}
