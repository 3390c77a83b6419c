import type { Product } from '../../connect/authorizations.ts';
import { type Html, html } from '../html.ts';
import type { Messages } from '../messages/messages.ts';
import { logoAddress } from './logo_address.ts';
import { namesOf } from './names.ts';

export function productHeader(messages: Messages, product: Product): Html {
  return html`<header>
${mark(messages, product)}
<p>${namesOf(messages, product).product}</p>
</header>`;
}

/** Says nothing to a screen reader: the name stands beside it. */
function mark({ language }: Messages, { name, logo }: Product): Html {
  if (logo !== undefined) return html`<img class="mark" src="${logoAddress(logo)}" alt="" width="48" height="48">`;
  const [letter] = new Intl.Segmenter(language).segment(name);
  return html`<span class="mark" aria-hidden="true">${letter?.segment.toLocaleUpperCase(language)}</span>`;
}
