import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../deploy/bundle.ts';

const TEMPORARY = fileURLToPath(new URL('../.tmp', import.meta.url));
const VARIABLE = 'BUNDLED_PROGRAMS';

const pathOf = (name: string) => join(process.env[VARIABLE] ?? '', `${name}.js`);

/** `token-vault`, bundled: it starts in a third of the time that the sources need, and the tests start some hundred. */
export const PROGRAM = pathOf('token_vault');
/** The vault that kills itself at a crash point. */
export const DOOMED_VAULT = pathOf('doomed_vault');

/** Before all tests. Returns what deletes the bundle. */
export async function setup(): Promise<() => void> {
  mkdirSync(TEMPORARY, { recursive: true });
  const folder = mkdtempSync(join(TEMPORARY, 'bundle-'));
  await bundle({ token_vault: 'src/main.ts', doomed_vault: 'test/faults/doomed_vault.ts' }, folder);
  process.env[VARIABLE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
