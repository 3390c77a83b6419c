import { type Html, html } from '../html.ts';
import type { Messages, Names } from '../messages/messages.ts';

/** What a user sends to an administrator: to be selected with one press, or as a letter; and the link for who may follow it alone. */
export function adminConsentRequest({
  messages: { approval },
  ...request
}: {
  readonly messages: Messages;
  readonly names: Names;
  /** In plain text, for the letter. */
  readonly productName: string;
  readonly link: string;
  /** Of the letter's button. */
  readonly look: string;
}): Html {
  const { names, link, productName, look } = request;
  const { subject, body } = approval.letter(productName, link);
  return html`<blockquote><p>${approval.say(names)}</p><p>${link}</p></blockquote>
<p><a class="${look}" href="mailto:?subject=${written(subject)}&amp;body=${written(body)}">${approval.write}</a></p>
<p class="centre"><a href="${link}">${approval.openYourself}</a></p>`;
}

/** RFC 6068, section 5: a line ends with CR LF. */
function written(text: string): string {
  return encodeURIComponent(text.toWellFormed().replaceAll('\n', '\r\n'));
}
