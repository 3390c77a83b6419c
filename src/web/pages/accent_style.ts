import { type AccentShades, darkShades, lightShades, parseColor } from '../../model/accent_color.ts';
import { type Html, html } from '../escaping_html_template.ts';

/**
 * The second style of a page, with the product's accent colour. Its text consists of colours that are computed here, so no stored
 * text reaches a stylesheet. Undefined: the product has none.
 */
export function accentStyle(accentColor: string | undefined): Html | undefined {
  const accent = accentColor === undefined ? undefined : parseColor(accentColor);
  if (accent === undefined) return undefined;
  return html`${root(lightShades(accent))}@media(prefers-color-scheme:dark){${root(darkShades(accent))}}`;
}

function root({ accent, onAccent, press }: AccentShades): Html {
  return html`:root{--accent:${accent};--on-accent:${onAccent};--press:${press}}`;
}
