import { describe, test } from 'vitest';
import { CHROMIUM, NO_CHROMIUM } from './chromium.ts';

/** Tests that need a real browser; skipped with a message without one. */
export function inChromium(title: string, tests: () => void): void {
  if (CHROMIUM === undefined) {
    const skipped = `${title}: skipped, ${NO_CHROMIUM}`;
    console.warn(skipped);
    test.skip(skipped, () => {});
  } else {
    describe(title, tests);
  }
}
