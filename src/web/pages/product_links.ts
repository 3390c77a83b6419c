import type { Product } from '../../connect/product_shown_on_page.ts';
import { type Content, html } from '../escaping_html_template.ts';
import type { Messages } from '../messages/page_message_types.ts';

/** The product's terms and privacy policy; undefined: it has neither. Only https, whatever is stored. */
export function productLinks({ terms, privacy }: Messages, { branding = {} }: Product): Content {
  const links = [linkTo(branding.termsUri, terms), linkTo(branding.privacyUri, privacy)];
  return links.every((link) => link === undefined) ? undefined : html`<footer>${links}</footer>`;
}

function linkTo(uri: string | undefined, text: string): Content {
  return uri?.startsWith('https://') ? html`<a href="${uri}">${text}</a>` : undefined;
}
