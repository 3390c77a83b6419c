import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { expectFittingPage, expectGoodPage } from './good_page.ts';
import { inChromium } from './in_chromium.ts';
import { DARK, LIGHT, MODES, PHONE } from './modes.ts';
import { goToMicrosoft, headingOf, openStage, type Stage, signIn } from './stage.ts';

let stage: Stage;

inChromium('an administrator approves for the whole organization', () => {
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const start = async (more: object = {}) => {
    const { connections } = stage.scenario;
    const wish = { parent: stage.tenant.name, scopes: ['Mail.ReadOnly'], directoryId: CONTOSO, ...more };
    return (await connections.startAdminConsent(wish)).consentUri;
  };
  const decide = (page: Awaited<ReturnType<Stage['tab']>>, decision: 'Accept' | 'Cancel') =>
    page.getByRole('button', { name: decision }).click();

  test.each(MODES)('by the link: $name', async (mode) => {
    const page = await stage.tab(mode);
    await page.goto(await start());
    expect(await headingOf(page)).toBe('Approve access for your organization');
    const text = await page.locator('main').innerText();
    expect(text).toContain('Northwind Traders asks an administrator of your organization to approve Chatwoot.');
    expect(text).toContain('Only an administrator can approve this;');
    expect(await page.getByRole('listitem').first().innerText()).toBe('Read your mail');
    await expectGoodPage(page, [mode]);

    await goToMicrosoft(page);
    await decide(page, 'Accept');

    expect(await headingOf(page)).toBe('Approved for your organization');
    expect(await page.getByRole('status').innerText()).toContain(
      'Microsoft now accepts Chatwoot in your organization.',
    );
    await expectFittingPage(page);
  });

  test('and returns to the product', async () => {
    const page = await stage.tab();
    await goToMicrosoft(page, await start({ returnUrl: stage.product.returnUrl }));
    await decide(page, 'Accept');
    await page.waitForURL(`${stage.product.url}/connected?*`);
    expect(Object.fromEntries(stage.product.returned.at(-1) ?? [])).toEqual({
      app: stage.tenant.app,
      outcome: 'granted',
    });
  });

  test('or declines', async () => {
    const page = await stage.tab(DARK);
    await goToMicrosoft(page, await start());
    await decide(page, 'Cancel');
    expect(await headingOf(page)).toBe('Not approved');
    await expectFittingPage(page);
  });

  test('with a used link sees that', async () => {
    const link = await start();
    const page = await stage.tab();
    await goToMicrosoft(page, link);
    await decide(page, 'Accept');
    expect(await headingOf(page)).toBe('Approved for your organization');
    await page.goto(link);
    expect(await headingOf(page)).toBe('This link is no longer valid');
  });

  test('for a user who may not consent: the user sends the link, and connects after the approval', async () => {
    const { sandbox } = stage.scenario;
    const directory = sandbox.addDirectory({ domain: 'strict.example', userConsent: 'none' });
    const { username } = sandbox.addUser({ username: 'eva@strict.example', directoryId: directory.id });
    const connection = stage.tenant.connection('eva');

    const users = await stage.tab(PHONE);
    await goToMicrosoft(users, await stage.link(connection));
    await signIn(users, username);
    expect(await headingOf(users)).toBe('Need admin approval');
    await users.getByRole('link', { name: 'Return to the application' }).click();
    expect(await headingOf(users)).toBe('Not connected');
    await users.locator('blockquote').click();
    const sent = String(await users.evaluate('getSelection().toString()'));
    const link = /https?:\S+\/admin-consent\/\S+/.exec(sent)?.[0] ?? '';
    const letter = decodeURIComponent(
      (await users.getByRole('link', { name: 'Send by e-mail' }).getAttribute('href')) ?? '',
    );
    expect(letter).toContain(link);

    const administrators = await stage.tab(LIGHT);
    await goToMicrosoft(administrators, link);
    await administrators.getByLabel('strict.example').check();
    await decide(administrators, 'Accept');
    expect(await headingOf(administrators)).toBe('Approved for your organization');

    await goToMicrosoft(users, await stage.link(connection));
    await signIn(users, username);
    expect(await headingOf(users)).toBe('Connected');
  });
});
