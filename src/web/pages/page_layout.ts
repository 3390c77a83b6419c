import type { Product } from '../../connect/product_shown_on_page.ts';
import { type Content, type Html, html } from '../escaping_html_template.ts';
import type { Messages } from '../messages/page_message_types.ts';
import { accentStyle } from './accent_style.ts';
import { STYLE } from './page_stylesheet.ts';
import { logoAddress, productHeader } from './product_header.ts';
import { productLinks } from './product_links.ts';

/** A complete page. The window's title begins with its heading, because screen readers start there. */
export function document(page: {
  readonly messages: Messages;
  readonly title: string;
  readonly product: Product | undefined;
  readonly body: Content;
}): Html {
  const { messages, title, product, body } = page;
  const accent = accentStyle(product?.branding?.accentColor);
  return html`<!doctype html>
<html lang="${messages.language}" dir="${messages.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${product === undefined ? title : `${title} – ${product.name}`}</title>
${product?.logo === undefined ? undefined : html`<link rel="icon" href="${logoAddress(product.logo)}">`}
<style>${STYLE}</style>
${accent && html`<style>${accent}</style>`}
</head>
<body>
<div class="card">
${product === undefined ? undefined : productHeader(messages, product)}
<main>
${body}
</main>
${product && productLinks(messages, product)}
</div>
</body>
</html>
`;
}
