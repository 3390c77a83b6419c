import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FOLDERS = ['/usr/bin', ...(process.env['PATH'] ?? '').split(':')];

/** Undefined: no Chromium is installed. */
export const CHROMIUM = FOLDERS.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) =>
  existsSync(path),
);

export const NO_CHROMIUM = 'there is no Chromium in /usr/bin or on the PATH (Debian: apt-get install chromium)';

export function launchChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(NO_CHROMIUM);
  // Chromium has no sandbox for root, which CI often uses.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}
