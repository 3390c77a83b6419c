import type { Browser, BrowserContext, Page } from 'playwright-core';
import { LIGHT, type Mode } from './modes.ts';

/** A browser window with its own cookies. */
export interface Tab {
  readonly page: Page;
  /** Violations of the content security policy, and all other errors of a page. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function openTab(browser: Browser, { colorScheme, forcedColors, viewport }: Mode = LIGHT): Promise<Tab> {
  const context = await browser.newContext({ colorScheme, forcedColors: forcedColors ?? 'none', viewport });
  return { page: await context.newPage(), complaints: listen(context), close: () => context.close() };
}

/** A status of 4xx or 5xx, or a missing icon, is not an error of the page. */
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
