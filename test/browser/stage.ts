import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { type Onboarded, type Onboarding, onboard } from '../scenarios/onboard.ts';
import { reasonOf, type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { launchChromium } from './chromium.ts';
import { LOGO } from './logo.ts';
import type { Mode } from './modes.ts';
import { type Product, startProduct } from './product.ts';
import { openTab } from './tab.ts';

export const ADA = 'ada@contoso.example';
export const GRACE = 'grace@contoso.example';
export const ALAN = 'alan@fabrikam.example';

/** A complete vault, the sandbox as Entra, a product that confirms, and Chromium. */
export interface Stage {
  readonly scenario: Scenario;
  readonly browser: Browser;
  readonly product: Product;
  /** Chatwoot, for Northwind Traders. */
  readonly tenant: Onboarded;
  /** Another tenant with its own app, isolated from the other tests. */
  onboard(tenantId: string, wishes?: Onboarding): Promise<Onboarded>;
  /** A link for a connection without confirmation. */
  link(connection: string, more?: object): Promise<string>;
  /** The test fails if its console has messages. */
  tab(mode?: Mode): Promise<Page>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const [scenario, browser] = await Promise.all([startScenario(), launchChromium()]);
  const { connections } = scenario;
  const product = await startProduct({
    async start(user, returnUrl) {
      const wish = {
        connection: tenant.connection(user),
        scopes: ['Mail.ReadWrite', 'Mail.Send', 'Calendar.ReadOnly'],
      };
      return (await connections.startAuthorization({ ...wish, returnUrl })).connectUri;
    },
    confirm: (user, confirmation) =>
      reasonOf(connections.confirmAuthorization({ connection: tenant.connection(user), confirmation })),
  });
  const stage: Stage = {
    scenario,
    browser,
    product,
    get tenant() {
      return tenant;
    },
    async onboard(tenantId, { app, ...wishes } = {}) {
      const own = { displayName: 'Chatwoot', returnUrlPrefixes: [product.url], ...app };
      const onboarded = await onboard(scenario, tenantId, { ...wishes, app: own });
      const updateMask = { paths: ['logo', 'branding'] };
      const branding = { privacyUri: 'https://chatwoot.example/privacy', accentColor: '#0f766e' };
      await scenario.apps.updateApp({
        app: { name: onboarded.app, logo: new Uint8Array(LOGO.image), branding },
        updateMask,
      });
      return onboarded;
    },
    async link(connection, more = { autoConfirm: true }) {
      const wish = { connection, scopes: ['Mail.ReadOnly'], ...more };
      return (await connections.startAuthorization(wish)).connectUri;
    },
    tab: (mode) => silentTab(browser, mode),
    async close() {
      await browser.close();
      await product.close();
      await scenario.close();
    },
  };
  const tenant = await stage.onboard('northwind', { tenant: { displayName: 'Northwind Traders' } });
  return stage;
}

async function silentTab(browser: Browser, mode?: Mode): Promise<Page> {
  const tab = await openTab(browser, mode);
  onTestFinished(async () => {
    await tab.close();
    expect(tab.complaints).toEqual([]);
  });
  return tab.page;
}

/** Continues from the vault's page to Entra's. */
export async function goToMicrosoft(page: Page, address?: string): Promise<void> {
  if (address !== undefined) await page.goto(address);
  await page.getByRole('button', { name: 'Continue to Microsoft' }).click();
}

/** Signs in on Entra's page. */
export async function signIn(page: Page, username: string, decision: 'Accept' | 'Cancel' = 'Accept'): Promise<void> {
  await page.getByLabel(username).check();
  await page.getByRole('button', { name: decision }).click();
}

/** The heading of the last page. */
export async function headingOf(page: Page): Promise<string> {
  return page.getByRole('heading', { level: 1 }).innerText();
}
