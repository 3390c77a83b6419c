import { type Html, html } from '../escaping_html_template.ts';
import type { WhoActs } from './outcome_page_kinds.ts';

/** In the colour of the text, and hidden from screen readers: the text says the same. */
function icon(shape: Html): Html {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shape}</svg>`;
}

export const TICK = icon(html`<path d="m5 12.5 4.5 4.5L19 7.5"/>`);

export const PERSON = icon(html`<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c.8-4 3.8-6 7.5-6s6.7 2 7.5 6"/>`);

export const STATUS_ICONS: Readonly<Record<WhoActs, Html>> = {
  nobody: TICK,
  you: icon(html`<path d="M6 12h12"/>`),
  administrator: PERSON,
  product: icon(html`<path d="M12 4.5v10M12 19v.01"/>`),
  time: icon(html`<path d="M12 7v5.5l3.5 2"/><circle cx="12" cy="12" r="9"/>`),
};
