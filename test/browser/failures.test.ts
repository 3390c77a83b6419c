import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { expectFittingPage } from './good_page.ts';
import { inChromium } from './in_chromium.ts';
import { DARK, LIGHT, type Mode, NARROW, PHONE } from './modes.ts';
import { ADA, ALAN, GRACE, goToMicrosoft, headingOf, openStage, type Stage, signIn } from './stage.ts';

const DAY = 24 * 3_600_000;
const REFERENCE = /[0-9A-Z]{4}(-[0-9A-Z]{4}){2}/;

let stage: Stage;

inChromium('a person who could not be connected', () => {
  beforeAll(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.scenario.sandbox.clearFaults());
  afterAll(() => stage.close());

  /** Completes the flow with a return URL, and returns its last page. */
  async function walk(connection: string, { as = ADA, mode = LIGHT, more = {} }: Walk = {}): Promise<Page> {
    const page = await stage.tab(mode);
    await goToMicrosoft(page, await stage.link(connection, { returnUrl: stage.product.returnUrl, ...more }));
    await signIn(page, as);
    await expectFittingPage(page);
    return page;
  }

  /** Back at the product, which gets the outcome and no confirmation. */
  async function expectWayBack(page: Page, outcome: string): Promise<void> {
    await page.getByRole('link', { name: 'Back to Chatwoot' }).click();
    await page.waitForURL(`${stage.product.url}/connected?*`);
    expect(stage.product.returned.at(-1)?.get('outcome')).toBe(outcome);
    expect(stage.product.returned.at(-1)?.has('confirmation')).toBe(false);
  }

  describe('sees the next step if an administrator must approve', () => {
    test('after Cancel, and goes back to the product', async () => {
      const page = await stage.tab();
      const returnUrl = stage.product.returnUrl;
      await goToMicrosoft(page, await stage.link(stage.tenant.connection('declined'), { returnUrl }));
      await signIn(page, ADA, 'Cancel');
      expect(await headingOf(page)).toBe('Not connected');
      await expectFittingPage(page);
      await expectWayBack(page, 'authorization_declined');
    });

    test('also without a return URL', async () => {
      const page = await stage.tab(PHONE);
      await goToMicrosoft(page, await stage.link(stage.tenant.connection('declined-auto')));
      await signIn(page, ADA, 'Cancel');
      expect(await headingOf(page)).toBe('Not connected');
      expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual([
        'What you can do',
        'If Microsoft said that an administrator must approve',
      ]);
      await expectFittingPage(page);
    });
  });

  /** Errors of Entra's authorize page, explained in the vault's own words. */
  test.each([
    [90094, 'An administrator must approve this first', 'admin_consent_required', LIGHT],
    [53003, 'Your organization does not allow this', 'blocked_by_policy', DARK],
    [50057, 'This account is disabled', 'account_disabled', PHONE],
    [65001, 'Not everything was allowed', 'consent_required', NARROW],
    [90033, 'Please try again in a few minutes', 'entra_unavailable', DARK],
  ])('sees what AADSTS%d means: %s', async (code, heading, outcome, mode) => {
    const { tenant, scenario } = stage;
    const page = await stage.tab(mode);
    const returnUrl = stage.product.returnUrl;
    const link = await stage.link(tenant.connection(`entra-${code}`), { returnUrl });
    scenario.sandbox.injectFault({ endpoint: 'authorize', kind: 'error', code, app: tenant.clientId });

    await goToMicrosoft(page, link);

    expect(await headingOf(page)).toBe(heading);
    expect(await page.locator('body').innerText()).not.toMatch(new RegExp(`AADSTS|\\b${code}\\b`));
    await expectFittingPage(page);
    await expectWayBack(page, outcome);
  });

  test('with the wrong account leaves the connection unchanged, and returns to choose the right one', async () => {
    const connection = stage.tenant.connection('mine');
    const page = await stage.tab();
    await goToMicrosoft(page, await stage.link(connection));
    await signIn(page, ADA);
    expect(await headingOf(page)).toBe('Connected');

    const other = await walk(connection, { as: GRACE, mode: DARK, more: { loginHint: '' } });

    expect(await headingOf(other)).toBe('That was another account');
    expect(await other.getByRole('status').innerText()).toContain(
      'This connection belongs to a•••@contoso.example. You signed in as g•••@contoso.example',
    );
    await expectWayBack(other, 'account_mismatch');
    const { connection: kept } = await stage.scenario.connections.getConnection({ name: connection });
    expect(kept?.account?.username).toBe(ADA);
  });

  test('in a disallowed directory', async () => {
    const guarded = await stage.onboard('guarded', { tenant: { allowedDirectoryIds: [CONTOSO] } });
    const page = await walk(guarded.connection('alan'), { as: ALAN, mode: NARROW });
    expect(await headingOf(page)).toBe('This account cannot be used here');
    await expectWayBack(page, 'directory_not_allowed');
  });

  test('because the access would not last', async () => {
    const { connections } = stage.scenario;
    const wish = { connection: stage.tenant.connection('fleeting'), scopes: ['Mail.ReadOnly'], autoConfirm: true };
    const { authorizationUri } = await connections.startAuthorization(wish);
    const address = new URL(authorizationUri);
    const scope = address.searchParams.get('scope')?.replace('offline_access', '') ?? '';
    address.searchParams.set('scope', scope);
    const page = await stage.tab(PHONE);
    await page.goto(address.href);
    await signIn(page, ADA);
    expect(await headingOf(page)).toBe('The connection would not last');
    await expectFittingPage(page);
  });

  test('because Microsoft requires another sign-in', async () => {
    stage.scenario.sandbox.injectFault({ kind: 'error', code: 50076, app: stage.tenant.clientId });
    const page = await walk(stage.tenant.connection('again'), { mode: DARK });
    expect(await headingOf(page)).toBe('Please sign in again');
    await expectWayBack(page, 'reauthorization_required');
  });

  test("because of the app's fault gets a reference for the operator", async () => {
    const broken = await stage.onboard('broken');
    stage.scenario.sandbox.expireSecret(broken.clientId, broken.secret);

    const page = await walk(broken.connection('ada'), { mode: PHONE });

    expect(await headingOf(page)).toBe('The connection could not be made');
    const reference = REFERENCE.exec(await page.locator('code').innerText())?.[0] ?? 'none';
    await page.locator('code').click();
    expect(await page.evaluate('getSelection().toString()')).toBe(reference);
    const audit = readFileSync(join(stage.scenario.folder, 'audit.jsonl'), 'utf8');
    const [entry, ...more] = audit.split('\n').filter((line) => line.includes(reference));
    expect([entry, more]).toEqual([expect.stringContaining('APP_CREDENTIAL_'), []]);
    await page.getByRole('link', { name: 'Back to Chatwoot' }).click();
    await page.waitForURL(`${stage.product.url}/connected?*`);
  });

  test('because an operator has suspended the tenant', async () => {
    const paused = await stage.onboard('paused');
    const link = await stage.link(paused.connection('ada'));
    await stage.scenario.tenants.suspendTenant({ name: paused.name });
    const page = await stage.tab(DARK);
    await page.goto(link);
    expect(await headingOf(page)).toBe('Connecting is disabled');
    expect(await page.locator('code').innerText()).toMatch(REFERENCE);
    await expectFittingPage(page);
  });

  describe('by an invalid link', () => {
    const over = 'This link is no longer valid';

    test('because it was used', async () => {
      const link = await stage.link(stage.tenant.connection('used'));
      const page = await stage.tab(NARROW);
      await goToMicrosoft(page, link);
      await signIn(page, ADA);
      expect(await headingOf(page)).toBe('Connected');
      await page.goto(link);
      expect(await headingOf(page)).toBe(over);
      await expectFittingPage(page);
    });

    test('because it was pressed a hundred times', async () => {
      const link = await stage.link(stage.tenant.connection('pressed'));
      for (let press = 1; press < 100; press += 1) await fetch(link, { method: 'POST', redirect: 'manual' });
      const page = await stage.tab();
      await goToMicrosoft(page, link);
      expect(await headingOf(page)).toBe('This link was used too often');
      await expectFittingPage(page);
    });

    test('because the address does not exist', async () => {
      const page = await stage.tab();
      await page.goto(`${stage.scenario.publicUrl}/connect`);
      expect(await headingOf(page)).toBe('Page not found');
    });

    test('because it expired after a day', async () => {
      const link = await stage.link(stage.tenant.connection('late'));
      await stage.scenario.later(DAY + 1);
      const page = await stage.tab();
      await page.goto(link);
      expect(await headingOf(page)).toBe(over);
    });
  });
});

interface Walk {
  readonly as?: string;
  readonly mode?: Mode;
  readonly more?: object;
}
