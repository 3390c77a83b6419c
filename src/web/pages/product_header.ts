import type { Product } from '../../connect/product_shown_on_page.ts';
import { type Html, html } from '../escaping_html_template.ts';
import type { Messages } from '../messages/page_message_types.ts';
import { namesOf } from './names.ts';

/** Relative to pages two levels deep, as all pages with a logo are: so it works under any path that a proxy adds. */
export function logoAddress(hash: string): string {
  return `../logos/${hash}`;
}

export function productHeader(messages: Messages, product: Product): Html {
  return html`<header>
${mark(messages, product)}
<p>${namesOf(messages, product).product}</p>
</header>`;
}

/** Hidden from screen readers: the name follows it. */
function mark({ language }: Messages, { name, logo }: Product): Html {
  if (logo !== undefined) return html`<img class="mark" src="${logoAddress(logo)}" alt="" width="48" height="48">`;
  const [letter] = new Intl.Segmenter(language).segment(name);
  return html`<span class="mark" aria-hidden="true">${letter?.segment.toLocaleUpperCase(language)}</span>`;
}
