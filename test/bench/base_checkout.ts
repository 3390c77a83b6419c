import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Filling from './filled_vault.ts';
import type { VaultFolder } from './vault_folder.ts';
import { startVault, type VaultProcess } from './vault_process.ts';

/** Of `test/bench` of another checkout, which needs its `node_modules`. */
export function moduleIn(checkout: string, name: string): string {
  return pathToFileURL(resolve(checkout, 'test/bench', name)).href;
}

/** The vault of another checkout, on a database that its own code filled, with the probe of this one. */
export async function startBaseVault(
  checkout: string,
  filling: Filling.Filling,
  entraUrl: string,
): Promise<{ readonly vault: VaultProcess; readonly folder: VaultFolder }> {
  const { fillVault } = (await import(moduleIn(checkout, 'filled_vault.ts'))) as typeof Filling;
  const folder = await fillVault(filling);
  return { folder, vault: await startVault(folder, entraUrl, { program: resolve(checkout, 'src/main.ts') }) };
}
