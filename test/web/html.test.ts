import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from '../../src/web/escaping_html_template.ts';

const READ: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const read = (text: string) => text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => READ[name] ?? '');

test('no value breaks out of text or attribute, and values are complete', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom(...'<>"\'&;`=/ a\n') }), (a, b) => {
      const text = html`<p title="${a}">${b}</p>`.toString();
      const [, title = '', body = ''] = /^<p title="([^"<>']*)">([^"<>']*)<\/p>$/.exec(text) ?? [];
      expect([read(title), read(body)]).toEqual([a, b]);
    }),
  );
});

test('escaped HTML is not escaped again, lists are joined, undefined renders as nothing', () => {
  const items = ['<', '&'].map((text) => html`<li>${text}</li>`);
  expect(html`<ul>${items}</ul>${undefined}`.toString()).toBe('<ul><li>&lt;</li><li>&amp;</li></ul>');
});
