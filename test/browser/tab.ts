import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { LIGHT, type Mode } from './modes.ts';

/** A browser window of its own, whose console must stay silent. */
export async function openTab(browser: Browser, { colorScheme, viewport }: Mode = LIGHT): Promise<Page> {
  const context = await browser.newContext({ colorScheme, viewport });
  const complaints = listen(context);
  onTestFinished(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  return context.newPage();
}

/** What the content security policy forbids, and all other errors. That a page came with 4xx or 5xx is none, nor that there is no icon. */
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
