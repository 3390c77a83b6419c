import { type Html, html } from '../escaping_html_template.ts';
import type { Messages } from '../messages/page_message_types.ts';

/** The last line of an error page. */
export function referenceLine(messages: Messages, reference: string): Html {
  return html`<p class="quiet reference">${messages.reference}: <code>${reference}</code></p>`;
}
