import { type Html, html } from '../html.ts';
import type { Messages } from '../messages/messages.ts';
import { document } from './document.ts';

/** A page that is about nobody: nothing here, not in this way, back from Microsoft. */
export function noticePage(
  messages: Messages,
  { title, text }: { readonly title: string; readonly text: string },
): Html {
  return document({ messages, title, product: undefined, body: html`<h1>${title}</h1><p class="lead">${text}</p>` });
}
