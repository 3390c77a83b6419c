import type { Browser, BrowserContext, Page } from 'playwright-core';
import { LIGHT, type Mode } from './modes.ts';

/** A browser window of its own: no cookies of others. */
export interface Tab {
  readonly page: Page;
  /** What the content security policy forbids, and all other errors of a page. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function openTab(browser: Browser, { colorScheme, viewport }: Mode = LIGHT): Promise<Tab> {
  const context = await browser.newContext({ colorScheme, viewport });
  return { page: await context.newPage(), complaints: listen(context), close: () => context.close() };
}

/** That a page comes with 4xx or 5xx is no error of the page, nor that there is no icon. */
function listen(context: BrowserContext): readonly string[] {
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(error.error().message));
  context.on('console', (message) => {
    const { url } = message.location();
    const isExpected = url === message.page()?.url() || url.endsWith('/favicon.ico');
    const isStatus = message.text().startsWith('Failed to load resource: the server responded with a status');
    if (message.type() === 'error' && !(isStatus && isExpected)) complaints.push(`${message.text()} (${url})`);
  });
  return complaints;
}
