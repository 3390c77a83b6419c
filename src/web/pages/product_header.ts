import type { Product } from '../../connect/authorizations.ts';
import { type Html, html } from '../html.ts';
import type { Words } from '../messages/messages.ts';
import { logoAddress } from './logo_address.ts';
import { namesOf } from './names.ts';

export function productHeader(words: Words, product: Product): Html {
  return html`<header>
${mark(words, product)}
<p>${namesOf(words, product).product}</p>
</header>`;
}

/** Says nothing to a screen reader: the name stands beside it. */
function mark({ language }: Words, { name, logo }: Product): Html {
  if (logo !== undefined) return html`<img class="mark" src="${logoAddress(logo)}" alt="" width="48" height="48">`;
  const [letter] = new Intl.Segmenter(language).segment(name);
  return html`<span class="mark" aria-hidden="true">${letter?.segment.toLocaleUpperCase(language)}</span>`;
}
