import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { startOpsServer } from '../../src/web/probe_and_metrics_server.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { anOutcome, createFakeWebParts, HANDLE, STATE } from '../web/fake_web_parts.ts';
import { SOME_PROBLEMS, statusPageOf } from '../web/sample_status.ts';
import { launchChromium } from './chromium.ts';
import { LOGO } from './logo.ts';
import { PHONE } from './modes.ts';
import { smallPicture } from './small_picture.ts';

/** `npm run screenshots`: renews the README's pictures of the pages, in the fonts of this machine. */
const folder = join(import.meta.dirname, '../../docs/screenshots');
mkdirSync(folder, { recursive: true });

const product = {
  name: 'Acme Desk',
  tenant: 'Northwind Traders',
  logo: LOGO.hash,
  branding: {
    termsUri: 'https://acme.example/terms',
    privacyUri: 'https://acme.example/privacy',
    accentColor: '#0f766e',
  },
};
const fakes = Object.assign(createFakeWebParts(), {
  logos: { findLogo: async () => LOGO },
  description: {
    product,
    account: 'a•••@contoso.com',
    scopes: ['Read, change and delete your mail, and write drafts', 'Send mail as you', 'Read your calendars'],
    implicit: [
      'Sign you in and read your profile',
      'See your name and e-mail address',
      'Stay connected when you are away',
    ],
    expireTime: Date.UTC(2026, 10, 23, 9, 30),
  },
});
const CONNECT = `/connect/${HANDLE}`;
const CALLBACK = `/oauth2/callback?code=c&state=${STATE}`;
const DESKTOP = { width: 600, height: 640 };
const LAST = { product, returnUrl: 'https://desk.example/connected' };
const ACCOUNTS = { expected: 'a•••@contoso.com', signedIn: 'g•••@fabrikam.com' };
const ADMIN_CONSENT = 'https://vault.northwind.example/admin-consent/9XvZ3pQ0fW7uJ2sKdE5tRbHn6yLcG8mA1oVxTqYiUjM';
const PICTURES = [
  { name: 'connect-light', path: CONNECT, viewport: DESKTOP },
  { name: 'connect-dark', path: CONNECT, viewport: DESKTOP, colorScheme: 'dark' },
  { name: 'connect-phone', path: CONNECT, viewport: PHONE.viewport },
  { name: 'connect-german', path: CONNECT, viewport: PHONE.viewport, locale: 'de-DE' },
  {
    name: 'another-account',
    path: CALLBACK,
    viewport: DESKTOP,
    outcome: anOutcome('ACCOUNT_MISMATCH', { ...LAST, accounts: ACCOUNTS }),
  },
  {
    name: 'approval-needed',
    path: CALLBACK,
    viewport: DESKTOP,
    outcome: anOutcome('ADMIN_CONSENT_REQUIRED', { ...LAST, adminConsentUri: ADMIN_CONSENT }),
  },
] as const;

const web = await startWebServer({ ...fakes, address: '127.0.0.1:0', publicUrl: 'http://127.0.0.1', log: silentLog });
const browser = await launchChromium();
for (const { name, path, viewport, ...picture } of PICTURES) {
  if ('outcome' in picture) fakes.outcome = picture.outcome;
  const page = await browser.newPage({
    viewport,
    colorScheme: 'colorScheme' in picture ? picture.colorScheme : 'light',
    locale: 'locale' in picture ? picture.locale : 'en-US',
  });
  await page.goto(`http://${web.address}${path}`);
  // Another one each time.
  await page.evaluate(
    `for (const code of document.querySelectorAll('.reference code')) code.textContent = '7KQ4-M2XT-9HBD'`,
  );
  // A phone shows what is in view; a window is limited to the height of the page.
  const { y = 0, height = 0 } = (await page.locator('.card').boundingBox()) ?? {};
  if (viewport === DESKTOP) await page.setViewportSize({ ...viewport, height: Math.ceil(height + 2 * y) });
  writeFileSync(join(folder, `${name}.png`), smallPicture(await page.screenshot({ fullPage: viewport === DESKTOP })));
  await page.close();
}
const status = await startOpsServer({
  address: '127.0.0.1:0',
  metrics: async () => ({ contentType: 'text/plain', text: '' }),
  readiness: {},
  statusPage: statusPageOf(SOME_PROBLEMS),
});
// As wide as the README's column.
const page = await browser.newPage({ viewport: { width: 1200, height: 600 }, deviceScaleFactor: 0.68 });
await page.goto(`http://${status.address}/status`);
writeFileSync(join(folder, 'status.png'), smallPicture(await page.screenshot({ fullPage: true })));
await browser.close();
await status.close();
await web.close(100);
