import type { Product } from '../../connect/product_of_page.ts';
import { html } from '../html.ts';
import type { Messages, Names } from '../messages/messages.ts';

/** Isolated, so that a right-to-left name (or one with direction marks) cannot reverse the sentence around it. */
export function namesOf({ unnamed }: Messages, product: Product | undefined): Names {
  if (product === undefined) return { ...unnamed, isOwn: false };
  return {
    product: html`<strong><bdi>${product.name}</bdi></strong>`,
    tenant: html`<strong><bdi>${product.tenant}</bdi></strong>`,
    isOwn: product.name === product.tenant,
  };
}
