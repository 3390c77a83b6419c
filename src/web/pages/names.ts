import type { Product } from '../../connect/authorizations.ts';
import { html } from '../html.ts';
import type { Messages, Names } from '../messages/messages.ts';

/** Isolated, so that a name which is written from right to left, or says it is, cannot turn the sentence around it. */
export function namesOf({ unnamed }: Messages, product: Product | undefined): Names {
  if (product === undefined) return { ...unnamed, isOwn: false };
  return {
    product: html`<strong><bdi>${product.name}</bdi></strong>`,
    tenant: html`<strong><bdi>${product.tenant}</bdi></strong>`,
    isOwn: product.name === product.tenant,
  };
}
