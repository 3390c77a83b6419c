import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { describe, test } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FOLDERS = ['/usr/bin', ...(process.env['PATH'] ?? '').split(':')];
const FOUND = FOLDERS.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));

const WHY = 'skipped: there is no Chromium in /usr/bin or on the PATH (Debian: apt-get install chromium)';

/** Tests that need a real browser. Without one they say so. */
export function inChromium(title: string, tests: () => void): void {
  if (FOUND === undefined) {
    console.warn(`${title}: ${WHY}`);
    test.skip(`${title}: ${WHY}`, () => {});
  } else {
    describe(title, tests);
  }
}

export function launchChromium(): Promise<Browser> {
  // Root, which CI often is, has no sandbox.
  return chromium.launch({ executablePath: FOUND ?? '', args: ['--no-sandbox'] });
}
