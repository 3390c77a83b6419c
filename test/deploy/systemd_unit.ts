import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const UNIT = fileURLToPath(new URL('../../deploy/systemd/token-vault.service', import.meta.url));

export const unit = readFileSync(UNIT, 'utf8');

/** The values of a setting that may occur several times. */
export function settings(name: string): string[] {
  return unit
    .split('\n')
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

/** The environment that systemd makes of the unit, for its folders of credentials and of state. */
export function environmentOf(folders: { readonly credentials: string; readonly state: string }) {
  return Object.fromEntries(
    settings('Environment').map((line) => {
      const at = line.indexOf('=');
      const value = line.slice(at + 1);
      return [line.slice(0, at), value.replaceAll('%d', folders.credentials).replaceAll('%S', folders.state)];
    }),
  );
}
