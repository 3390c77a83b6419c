import type { Product } from '../../connect/product_shown_on_page.ts';
import { html } from '../escaping_html_template.ts';
import type { Messages, Names } from '../messages/page_message_types.ts';

/** Isolated, so that a right-to-left name (or one with direction marks) cannot reverse the sentence around it. */
export function namesOf({ unnamed }: Messages, product: Product | undefined): Names {
  if (product === undefined) return { ...unnamed, isOwn: false };
  return {
    product: html`<strong><bdi>${product.name}</bdi></strong>`,
    tenant: html`<strong><bdi>${product.tenant}</bdi></strong>`,
    isOwn: product.name === product.tenant,
  };
}
