import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProgram } from '../deploy/build_program.ts';
import { bundle } from '../deploy/bundle.ts';

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));
const VARIABLE = 'BUNDLED_PROGRAMS';

const pathOf = (name: string) => join(process.env[VARIABLE] ?? '', name);

/** `token-vault` as `npm run build` makes it. The tests start some hundred, and it starts in a quarter of the time. */
export const PROGRAM = pathOf('bin/token-vault.js');
/** The vault that kills itself at a crash point. */
export const DOOMED_VAULT = pathOf('doomed/vault.js');

/** Before all tests: a checkout of its own, so that `dist/` stays as it is. Returns what deletes it. */
export async function setup(): Promise<() => void> {
  const temporary = join(CHECKOUT, '.tmp');
  mkdirSync(temporary, { recursive: true });
  const folder = mkdtempSync(join(temporary, 'bundle-'));
  cpSync(join(CHECKOUT, 'bin'), join(folder, 'bin'), { recursive: true });
  for (const name of ['src', 'package-lock.json']) symlinkSync(join(CHECKOUT, name), join(folder, name));
  await buildProgram(folder);
  await bundle({ vault: 'test/faults/doomed_vault.ts' }, join(folder, 'doomed'));
  process.env[VARIABLE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
