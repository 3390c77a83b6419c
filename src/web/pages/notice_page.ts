import { type Html, html } from '../html.ts';
import type { Words } from '../messages/messages.ts';
import { document } from './document.ts';

/** A page that is about nobody: nothing here, not in this way, back from Microsoft. */
export function noticePage(words: Words, { title, text }: { readonly title: string; readonly text: string }): Html {
  return document({ words, title, product: undefined, body: html`<h1>${title}</h1><p class="lead">${text}</p>` });
}
