import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { type Content, html } from '../../src/web/escaping_html_template.ts';
import { english } from '../../src/web/messages/english.ts';
import { LANGUAGES, type Languages, messagesFor } from '../../src/web/messages/negotiate_page_language.ts';
import type { Messages } from '../../src/web/messages/page_message_types.ts';
import { startWebServer, type WebServer } from '../../src/web/web_server.ts';
import { ADMIN_STATE, anOutcome, createFakeWebParts, HANDLE, PRODUCT, STATE } from './fake_web_parts.ts';

/** A second language in one table: English with every text marked. */
const marked: Messages = { ...markedAll(english), language: 'he', direction: 'rtl' };

function markedAll<Thing>(thing: Thing): Thing {
  const changed = (): unknown => {
    if (typeof thing === 'string') return `«${thing}»`;
    if (typeof thing === 'function') return (...args: unknown[]) => markedAll(thing(...args));
    if (isHtml(thing)) return html`«${thing}»`;
    return Object.fromEntries(Object.entries(thing as object).map(([name, value]) => [name, markedAll(value)]));
  };
  return changed() as Thing;
}

function isHtml(thing: unknown): thing is Content {
  return typeof thing === 'object' && thing?.constructor === html``.constructor;
}

const fakes = createFakeWebParts();
const product = {
  ...PRODUCT,
  branding: { termsUri: 'https://acme.example/terms', privacyUri: 'https://acme.example/privacy' },
};
fakes.description = {
  ...fakes.description,
  product,
  account: 'a•••@contoso.example',
  approval: { adminConsentUri: 'https://vault.example/admin-consent/x' },
};
let web: WebServer | undefined;
afterEach(() => web?.close(100));

async function page(path: string, language: string, languages: Languages = [english, marked]) {
  web = await startWebServer({
    ...fakes,
    address: '127.0.0.1:0',
    publicUrl: 'https://vault.example',
    languages,
    log: silentLog,
  });
  const headers = { 'accept-language': language, accept: 'text/html' };
  const answer = await fetch(`http://${web.address}${path}`, { headers });
  await web.close(100);
  return { html: await answer.text(), headers: answer.headers, status: answer.status };
}

const CALLBACK = `/oauth2/callback?code=c&state=${STATE}`;
const GIVEN = [
  'Acme &amp; Sons',
  'Northwind',
  'Read your mail',
  'Sign you in',
  'https://vault.example/admin-consent/x',
  'a•••@contoso.example',
  'g•••@fabrikam.example',
];

test.each([
  ['the connect page', `/connect/${HANDLE}`, undefined],
  ["the administrator's", `/admin-consent/${HANDLE}`, undefined],
  ['success', CALLBACK, anOutcome('GRANTED', { accounts: { signedIn: GIVEN[5] } })],
  [
    'another account',
    CALLBACK,
    anOutcome('ACCOUNT_MISMATCH', { accounts: { expected: GIVEN[5], signedIn: GIVEN[6] } }),
  ],
  ['cancelled', CALLBACK, anOutcome('CANCELLED')],
  ['a fault', CALLBACK, anOutcome('APP_CREDENTIAL_EXPIRED', { returnUrl: 'https://product.example/' })],
  ['approval', CALLBACK, anOutcome('ADMIN_CONSENT_REQUIRED', { adminConsentUri: GIVEN[4] })],
  ['an unclear outcome', CALLBACK, anOutcome('AUTHORIZATION_DECLINED', { adminConsentUri: GIVEN[4] })],
  ['an unknown state', CALLBACK, anOutcome('STATE_INVALID', { product: undefined })],
  ['approved', `/oauth2/callback?admin_consent=True&tenant=t&state=${ADMIN_STATE}`, undefined],
  ['back from Microsoft', '/oauth2/callback?admin_consent=True&tenant=t', undefined],
  ['not found', '/nothing', undefined],
])('a second language needs only one table of texts: %s', async (_, path, outcome) => {
  if (outcome !== undefined) fakes.outcome = outcome;
  const { html, headers } = await page(path, 'he, en;q=0.5');

  expect(html).toContain('<html lang="he" dir="rtl">');
  expect(headers.get('content-language')).toBe('he');
  expect(headers.get('vary')).toContain('accept-language');
  const texts = html
    .replaceAll(/<(style|time|code|span class="mark")\b.*?<\/(style|time|code|span)>/gs, '')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/«[^«»]*»/g, '')
    .replaceAll(/«[^«»]*»/g, '');
  const rest = GIVEN.reduce((text, given) => text.replaceAll(given, ''), texts);
  expect(rest.replaceAll(/[\s:–]/g, '')).toBe('');
});

test('dates are written in the language, in UTC', async () => {
  expect((await page(`/connect/${HANDLE}`, 'he')).html).toContain('12 במרץ 2031');
  const { html } = await page(`/connect/${HANDLE}`, 'en-GB,en;q=0.9');
  expect(html).toContain('<time datetime="2031-03-12T14:05:00.000Z">March 12, 2031 at 14:05 UTC</time>');
});

test.each([
  ['en-US,en;q=0.9', 'en'],
  ['he-IL', 'he'],
  ['de, he;q=0.2', 'he'],
  ['de', 'en'],
  ['*', 'en'],
  ['en;q=0, he', 'he'],
  [undefined, 'en'],
])('a browser that accepts %s gets %s', (accepted, spoken) => {
  const headers = accepted === undefined ? {} : { 'accept-language': accepted };
  expect(messagesFor([english, marked], { headers }).language).toBe(spoken);
});

test.each([
  ['de-AT,de;q=0.9,en;q=0.8', 'de'],
  ['de', 'de'],
  ['fr, de;q=0.3', 'de'],
  ['en-GB, de;q=0.9', 'en'],
  ['fr', 'en'],
])('of the languages of the vault, a browser that accepts %s gets %s', (accepted, spoken) => {
  expect(messagesFor(LANGUAGES, { headers: { 'accept-language': accepted } }).language).toBe(spoken);
});

test.each([
  ['the connect page', `/connect/${HANDLE}`, 200, 'Weiter zu Microsoft'],
  ['an unknown link', '/connect/x', 404, 'Dieser Link ist nicht mehr gültig'],
  ['an unknown address', '/nothing', 404, 'Seite nicht gefunden'],
  ['an invalid callback', '/oauth2/callback', 400, 'Dieser Link ist nicht mehr gültig'],
])('German is the language of %s, also if it is an error', async (_, path, status, text) => {
  const { html, headers, ...answer } = await page(path, 'de', LANGUAGES);
  expect(answer.status).toBe(status);
  expect(html).toContain('<html lang="de" dir="ltr">');
  expect(html).toContain(text);
  expect(headers.get('content-language')).toBe('de');
});

test('any accept-language header gets one of the languages', () => {
  const odd = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'en-,;q=0.1* "\\he') }));
  fc.assert(
    fc.property(odd, (accepted) => {
      const { language } = messagesFor([english, marked], { headers: { 'accept-language': accepted } });
      expect(['en', 'he']).toContain(language);
    }),
  );
});
