import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { MODES } from './modes.ts';

/** In each mode: nothing that axe-core finds, nothing to scroll sideways, all large enough to read and to press. */
export async function expectGoodPage(page: Page, modes = MODES): Promise<void> {
  // What takes the time is to bring axe-core into the page; there it stays.
  let run = async () => (await new AxeBuilder({ page }).setLegacyMode().analyze()).violations;
  for (const { name, colorScheme, viewport } of modes) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    const found = (await run()).map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    expect(found, `axe-core, ${name}`).toEqual([]);
    await expectFittingPage(page, name);
    run = () => page.evaluate('axe.run().then(({ violations }) => violations)');
  }
}

/** The same without axe-core, as the window is now. */
export async function expectFittingPage(page: Page, name?: string): Promise<void> {
  expect(await page.evaluate(MEASURE), name).toEqual({
    sideways: 0,
    headings: 1,
    tooSmallToRead: [],
    tooSmallToPress: [],
  });
}

/**
 * 15 pixels for what is quiet, 16 for the rest of the text; 44 to press (WCAG 2.2, 2.5.5). Runs in the page, whose names the compiler does
 * not know here.
 */
const MEASURE = `(() => {
  const shown = [...document.querySelectorAll('main *, header *')];
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
