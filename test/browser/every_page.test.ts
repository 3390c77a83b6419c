import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { CallbackOutcome } from '../../src/connect/browser_callback_flow.ts';
import type { LinkDescription } from '../../src/connect/describe_and_open_consent_links.ts';
import type { Product } from '../../src/connect/product_shown_on_page.ts';
import { darkShades } from '../../src/model/accent_color.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { OUTCOME_FACTS, outcomeKind } from '../../src/web/pages/outcome_page_kinds.ts';
import { startWebServer, type WebServer } from '../../src/web/web_server.ts';
import { ADMIN_STATE, anOutcome, createFakeWebParts, HANDLE, PRODUCT, STATE } from '../web/fake_web_parts.ts';
import { launchChromium } from './chromium.ts';
import { expectGoodPage } from './good_page.ts';
import { inChromium } from './in_chromium.ts';
import { LOGO } from './logo.ts';
import { DARK, LIGHT, PHONE } from './modes.ts';
import { openTab, type Tab } from './tab.ts';

const fakes = Object.assign(createFakeWebParts(), { logos: { findLogo: async () => LOGO } });
const CALLBACK = `/oauth2/callback?code=c&state=${STATE}`;
const ADMIN_CALLBACK = `/oauth2/callback?admin_consent=True&tenant=t&state=${ADMIN_STATE}`;
const RETURN_URL = 'https://product.example/connected?connection=c&outcome=o';

/** With the lightest colour that is accepted. */
const BRANDED: Product = {
  ...PRODUCT,
  branding: {
    termsUri: 'https://product.example/terms',
    privacyUri: 'https://product.example/privacy',
    accentColor: '#767676',
  },
};

/** One outcome of each kind of page. */
const OUTCOMES: readonly CallbackOutcome['outcome'][] = [
  'GRANTED',
  'AUTHORIZATION_DECLINED',
  'CANCELLED',
  'ADMIN_CONSENT_REQUIRED',
  'CONSENT_REQUIRED',
  'ACCOUNT_MISMATCH',
  'DIRECTORY_NOT_ALLOWED',
  'STATE_INVALID',
  'BLOCKED_BY_POLICY',
  'ACCOUNT_DISABLED',
  'NO_REFRESH_TOKEN',
  'REAUTHORIZATION_REQUIRED',
  'APP_CREDENTIAL_EXPIRED',
  'TENANT_SUSPENDED',
  'INTERNAL',
  'ENTRA_UNAVAILABLE',
  'DATABASE_UNAVAILABLE',
  'RATE_LIMITED',
];

test('the list has each kind of outcome', () => {
  expect(new Set(OUTCOMES.map(outcomeKind))).toEqual(new Set(Object.keys(OUTCOME_FACTS)));
});

let web: WebServer;
let browser: Browser;
let tab: Tab;

inChromium('every page is readable and usable in each mode', () => {
  beforeAll(async () => {
    web = await startWebServer({ ...fakes, address: '127.0.0.1:0', publicUrl: 'http://127.0.0.1', log: silentLog });
    browser = await launchChromium();
    tab = await openTab(browser);
  });
  afterEach(() => expect(tab.complaints).toEqual([]));
  afterAll(async () => {
    await browser.close();
    await web.close(100);
  });

  const show = async (path: string, language = 'en'): Promise<Page> => {
    await tab.page.setExtraHTTPHeaders({ 'accept-language': language });
    await tab.page.goto(`http://${web.address}${path}`);
    return tab.page;
  };

  test.each(['en', 'de'])(
    'on a small phone, the buttons are in view, however long the page is (%s)',
    async (language) => {
      const { description } = fakes;
      const adminConsentUri = `http://${web.address}/admin-consent/${HANDLE}`;
      const scopes = Array.from({ length: 20 }, (_, index) => `Read your mail, folder ${index}`);
      await tab.page.setViewportSize(PHONE.viewport);
      for (const more of [{}, { approval: { adminConsentUri } }, { scopes }]) {
        fakes.description = { ...description, ...more };
        const page = await show(`/connect/${HANDLE}`, language);
        for (const button of await page.getByRole('button').all()) {
          const { y = 0, height = 0 } = (await button.boundingBox()) ?? {};
          expect(y + height).toBeLessThanOrEqual(PHONE.viewport.height);
        }
      }
      fakes.description = description;
    },
  );

  const DESCRIPTION = { ...fakes.description, account: 'a•••@contoso.example', product: BRANDED };
  const APPROVAL = { adminConsentUri: `https://vault.example/admin-consent/${HANDLE}` };
  const LONGEST = {
    ...DESCRIPTION,
    product: { ...BRANDED, name: 'Donaudampfschiff'.repeat(8), tenant: 'Ä'.repeat(128), logo: undefined },
    account: `a•••@${'long-domain.'.repeat(20)}example`,
    scopes: ['x'.repeat(200)],
    implicit: ['y'.repeat(200)],
  };

  test.each<[string, LinkDescription, string?]>([
    ['connect', fakes.description],
    ['connect, with the account, a colour and links of the product', DESCRIPTION],
    ['connect, with the request to an administrator', { ...DESCRIPTION, approval: APPROVAL }],
    [
      'connect, for an app that an administrator cannot approve',
      { ...DESCRIPTION, approval: { adminConsentUri: undefined } },
    ],
    ['connect, in German', { ...DESCRIPTION, approval: APPROVAL }, 'de'],
    ['connect, with the longest names, without a space, and without a logo', LONGEST],
    ['connect, with the longest names in German', { ...LONGEST, approval: APPROVAL }, 'de'],
  ])('%s', async (_, description, language) => {
    fakes.description = description;
    await expectGoodPage(await show(`/connect/${HANDLE}`, language));
  });

  test.each(['en', 'de'])('admin consent (%s)', async (language) => {
    fakes.description = DESCRIPTION;
    await expectGoodPage(await show(`/admin-consent/${HANDLE}`, language));
  });

  test.each(['en', 'de'])('not found (%s)', async (language) => expectGoodPage(await show('/nothing', language)));
  test('back from Microsoft', async () => expectGoodPage(await show('/oauth2/callback?admin_consent=True&tenant=t')));

  test('a cancelled link', async () => {
    fakes.isCancelled = true;
    fakes.cancellation = anOutcome('CANCELLED', { returnUrl: RETURN_URL, product: BRANDED });
    await expectGoodPage(await show(`/connect/${HANDLE}`));
    fakes.isCancelled = false;
  });

  /** Every second page in German, so that each kind of page is seen in one language, and each language on many. */
  test.each(OUTCOMES.map((outcome, index) => ({ outcome, language: index % 2 === 0 ? 'en' : 'de' })))(
    '$outcome ($language)',
    async ({ outcome, language }) => {
      const approval = /CONSENT_REQUIRED|DECLINED/.test(outcome) ? APPROVAL.adminConsentUri : undefined;
      const returnUrl = outcome === 'GRANTED' ? undefined : RETURN_URL;
      const accounts = { expected: 'a•••@contoso.example', signedIn: 'g•••@fabrikam.example' };
      fakes.outcome = anOutcome(outcome, { returnUrl, adminConsentUri: approval, product: BRANDED, accounts });
      await expectGoodPage(await show(CALLBACK, language));
    },
  );

  test.each(['GRANTED', 'ADMIN_CONSENT_REQUIRED'] as const)('%s, for an administrator', async (outcome) => {
    fakes.adminOutcome = { outcome, returnUrl: undefined, product: PRODUCT };
    await expectGoodPage(await show(ADMIN_CALLBACK));
  });

  test.each([
    { ...LIGHT, color: '#767676' },
    { ...DARK, color: darkShades([118, 118, 118]).accent },
  ])('the accent colour is the one of the button: $name', async ({ colorScheme, color }) => {
    fakes.description = DESCRIPTION;
    const page = await show(`/connect/${HANDLE}`);
    await page.emulateMedia({ colorScheme, forcedColors: 'none' });
    const shown = await page.evaluate(`(() => {
      const sample = document.createElement('canvas').getContext('2d');
      sample.fillStyle = getComputedStyle(document.querySelector('button')).backgroundColor;
      return sample.fillStyle;
    })()`);
    expect(shown).toBe(color);
  });

  test('hostile names are shown literally', async () => {
    const product = {
      name: '</title><script>alert(1)</script>\u202e',
      tenant: `"'><img src=x onerror=alert(1)>`,
      logo: undefined,
    };
    fakes.description = { ...fakes.description, product, scopes: ['<b>x</b>'] };
    const page = await show(`/connect/${HANDLE}`);
    expect(await page.locator('h1 + p').innerText()).toBe(
      `${product.tenant} asks you to connect your Microsoft account to ${product.name}.`,
    );
    expect(await page.title()).toBe(`Connect your Microsoft account – ${product.name}`);
    expect(await page.locator('script, img, main b').count()).toBe(0);
  });

  test('with the keyboard, the button is the first stop, shows its focus, and sends the form', async () => {
    const page = await show(`/connect/${HANDLE}`);
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus-visible');
    expect(await focused.innerText()).toBe('Continue to Microsoft');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    fakes.entra = CALLBACK;
    fakes.outcome = anOutcome('GRANTED');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Connected' }).waitFor();
  });

  test('in forced colors the button has an edge', async () => {
    const page = await show(`/connect/${HANDLE}`);
    await page.emulateMedia({ forcedColors: 'active' });
    const edge = `(({ borderTopWidth, borderTopColor, backgroundColor }) => borderTopColor !== backgroundColor && borderTopWidth)(
      getComputedStyle(document.querySelector('button')))`;
    expect(await page.evaluate(edge)).toBe('2px');
  });
});
