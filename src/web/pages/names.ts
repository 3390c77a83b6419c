import type { MaskedAccounts } from '../../connect/masked_accounts.ts';
import type { Product } from '../../connect/product_shown_on_page.ts';
import { type Content, html } from '../escaping_html_template.ts';
import type { Messages, Names } from '../messages/page_message_types.ts';

/** Isolated, so that a right-to-left name (or one with direction marks) cannot reverse the sentence around it. */
export function namesOf({ unnamed }: Messages, product: Product | undefined, accounts: MaskedAccounts = {}): Names {
  const masked = { expected: isolated(accounts.expected), signedIn: isolated(accounts.signedIn) };
  if (product === undefined) return { ...masked, ...unnamed, isOwn: false };
  return {
    ...masked,
    product: isolated(product.name),
    tenant: isolated(product.tenant),
    isOwn: product.name === product.tenant,
  };
}

function isolated(name: string | undefined): Content {
  return name === undefined ? undefined : html`<strong><bdi>${name}</bdi></strong>`;
}
