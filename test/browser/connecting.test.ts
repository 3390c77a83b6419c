import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { reasonOf } from '../scenarios/start_scenario.ts';
import { expectFittingPage, expectGoodPage } from './good_page.ts';
import { inChromium } from './in_chromium.ts';
import { MODES } from './modes.ts';
import { ADA, goToMicrosoft, headingOf, openStage, type Stage, signIn } from './stage.ts';
import { openTab } from './tab.ts';

let stage: Stage;

inChromium('a person connects an account', () => {
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  test.each(MODES)(
    'from the product, by the connect page and Microsoft, back to the product that confirms: $name',
    async (mode) => {
      const { tenant, product, scenario } = stage;
      const user = `ada-${mode.name}`;
      const page = await stage.tab(mode);

      await page.goto(`${product.url}/start?user=${user}`);
      expect(await headingOf(page)).toBe('Connect your Microsoft account');
      expect(await page.locator('main').innerText()).toContain(
        'Northwind Traders asks you to connect your Microsoft account to Chatwoot.',
      );
      expect(await page.getByRole('listitem').allInnerTexts()).toContain('Send mail as you');
      expect(await page.evaluate("document.querySelector('img').naturalWidth")).toBe(96);
      expect(await page.getByRole('link', { name: 'Privacy policy' }).getAttribute('href')).toBe(
        'https://chatwoot.example/privacy',
      );
      await expectGoodPage(page, [mode]);

      await goToMicrosoft(page);
      expect(page.url().startsWith(scenario.sandbox.url)).toBe(true);
      await signIn(page, ADA);
      await page.waitForURL(`${product.url}/connected?*`);

      expect(await headingOf(page)).toBe('Back: OK');
      const returned = product.returned.at(-1);
      expect([...(returned?.keys() ?? [])].toSorted()).toEqual(['confirmation', 'connection', 'outcome']);
      const { connection } = await scenario.connections.getConnection({ name: tenant.connection(user) });
      expect(connection).toMatchObject({ state: Connection_State.ACTIVE, account: { username: ADA } });
      const asked = { connection: tenant.connection(user), scopes: ['Mail.Send'] };
      expect(await reasonOf(scenario.tokens.getAccessToken(asked))).toBe('OK');
    },
  );

  test.each(MODES)('without a return URL, the vault shows that it is done: $name', async (mode) => {
    const page = await stage.tab(mode);

    await goToMicrosoft(page, await stage.link(stage.tenant.connection(`auto-${mode.name}`)));
    await signIn(page, ADA);

    expect(await headingOf(page)).toBe('Connected');
    expect(await page.title()).toBe('Connected – Chatwoot');
    expect(await page.getByRole('status').innerText()).toContain(
      'Your Microsoft account a•••@contoso.example is connected to Chatwoot.',
    );
    await expectFittingPage(page);
  });

  test('or cancels, and is back at the product, which learns the outcome', async () => {
    const { tenant, product, scenario } = stage;
    const page = await stage.tab();
    await page.goto(`${product.url}/start?user=cancels`);
    const link = page.url();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.waitForURL(`${product.url}/connected?*`);
    expect(Object.fromEntries(product.returned.at(-1) ?? [])).toEqual({
      connection: tenant.connection('cancels'),
      outcome: 'cancelled',
    });
    const { connection } = await scenario.connections.getConnection({ name: tenant.connection('cancels') });
    expect(connection?.state).toBe(Connection_State.PENDING);
    await page.goto(link);
    expect(await headingOf(page)).toBe('Cancelled');
    await expectFittingPage(page);
  });

  test('or cancels without a return URL, and sees that nothing was changed', async () => {
    const page = await stage.tab();
    await page.goto(await stage.link(stage.tenant.connection('stays')));
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await headingOf(page)).toBe('Cancelled');
    await page.reload();
    expect(await headingOf(page)).toBe('Cancelled');
  });

  test('the content security policy applies: the style is used, and an injected script does not run', async () => {
    const tab = await openTab(stage.browser);
    onTestFinished(() => tab.close());
    await tab.page.goto(await stage.link(stage.tenant.connection('policy')));

    expect(await tab.page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius")).toBe('16px');
    const title = await tab.page.title();
    await tab.page.evaluate(`new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', resolve);
      const script = document.createElement('script');
      script.textContent = 'document.title = "broken in"';
      document.body.append(script);
    })`);
    expect(await tab.page.title()).toBe(title);
    await expect.poll(() => tab.complaints).toEqual([expect.stringContaining('Content Security Policy')]);
  });

  test('a reloaded page shows the same', async () => {
    const page = await stage.tab();
    await goToMicrosoft(page, await stage.link(stage.tenant.connection('again')));
    await signIn(page, ADA);
    expect(await headingOf(page)).toBe('Connected');
    await page.reload();
    expect(await headingOf(page)).toBe('Connected');
  });
});
