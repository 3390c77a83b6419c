import { html } from '../escaping_html_template.ts';

/** The colours of all pages. Contrasts are at least 4.5 : 1 for text and 3 : 1 for controls, light and dark (WCAG 2.2, 1.4.3 and 1.4.11). */
export const COLORS = html`
:root{color-scheme:light dark;
--page:#f3f4f6;--card:#fff;--line:#dfe2e7;--text:#1b1f24;--quiet:#565e69;--accent:#1f57c3;--on-accent:#fff;--press:#17459e;
--soft:#f3f5f9;--good:#0f6b3a;--good-soft:#e2f3e9;--warn:#7a4a00;--warn-soft:#fdf1dc;--bad:#a4271d;--bad-soft:#fbe6e4}
@media(prefers-color-scheme:dark){:root{
--page:#0f1216;--card:#191d23;--line:#323943;--text:#e9ecf0;--quiet:#a5aeba;--accent:#9dbdff;--on-accent:#0b1e45;--press:#c0d5ff;
--soft:#222831;--good:#7fd6a4;--good-soft:#16352490;--warn:#f0c176;--warn-soft:#3a2c1390;--bad:#ffa69c;--bad-soft:#42201d90}}
`;
