import type { Product } from '../../connect/product_shown_on_page.ts';
import { type Content, html } from '../escaping_html_template.ts';
import type { Messages } from '../messages/page_message_types.ts';
import { namesOf } from './names.ts';

/** A text with a link for the user to send to an administrator. `buttonClass`: CSS classes of its button. */
export function approvalRequest(
  messages: Messages,
  {
    product,
    link,
    buttonClass,
  }: { readonly product: Product | undefined; readonly link: string; readonly buttonClass: string },
): Content {
  const { approval, unnamed } = messages;
  const { subject, body } = approval.email(product?.name ?? unnamed.product, link);
  const mailto = `mailto:?subject=${encoded(subject)}&body=${encoded(body)}`;
  return html`<blockquote><p>${approval.text(namesOf(messages, product))}</p><p>${link}</p></blockquote>
<p><a class="${buttonClass}" href="${mailto}">${approval.send}</a></p>
<p class="centre"><a href="${link}">${approval.openYourself}</a></p>`;
}

/** RFC 6068, section 5: a line ends with CR LF. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed().replaceAll('\n', '\r\n'));
}
