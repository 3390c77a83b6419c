import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { EVERY_MODE } from './modes.ts';

/** In each mode: no finding of axe-core, no horizontal scrolling, text and controls large enough. */
export async function expectGoodPage(page: Page, modes = EVERY_MODE): Promise<void> {
  // Loading axe-core into the page is slow, so it stays loaded.
  let run = async () => (await new AxeBuilder({ page }).setLegacyMode().analyze()).violations;
  for (const { name, colorScheme, forcedColors = 'none', viewport } of modes) {
    await page.emulateMedia({ colorScheme, forcedColors });
    await page.setViewportSize(viewport);
    const found = (await run()).map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    expect(found, `axe-core, ${name}`).toEqual([]);
    await expectFittingPage(page, name);
    run = () => page.evaluate('axe.run().then(({ violations }) => violations)');
  }
}

/** The same without axe-core, at the current window size. */
export async function expectFittingPage(page: Page, name?: string): Promise<void> {
  expect(await page.evaluate(MEASURE), name).toEqual({
    sideways: 0,
    headings: 1,
    tooSmallToRead: [],
    tooSmallToPress: [],
  });
}

/**
 * 15 pixels for secondary text, 16 for other text; 44 for controls (WCAG 2.2, 2.5.5). Runs in the page, whose globals the compiler does
 * not know here.
 */
const MEASURE = `(() => {
  const shown = [...document.querySelectorAll('main *, header *, footer *')];
  const named = (elements) => elements.map(({ tagName, textContent }) => tagName + ' ' + textContent);
  const { scrollWidth, clientWidth } = document.documentElement;
  return {
    sideways: Math.max(0, scrollWidth - clientWidth),
    headings: document.querySelectorAll('h1').length,
    tooSmallToRead: named(shown.filter((element) => parseFloat(getComputedStyle(element).fontSize) < 15)),
    tooSmallToPress: named(
      shown.filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return element.matches('a, button') && Math.min(width, height) < 44;
      }),
    ),
  };
})()`;
