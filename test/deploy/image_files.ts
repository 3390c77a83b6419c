import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './containerfile.ts';
import { productionPackages } from './production_packages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Carries out the build stage of the Containerfile in `folder/app`; nothing there can be written afterwards. */
export function buildImageFiles(folder: string): void {
  const app = join(folder, 'app');
  mkdirSync(app);
  for (const { name, words } of build) {
    if (name === 'COPY') copy(app, words);
    if (name === 'RUN' && !words.startsWith('npm ci ')) execFileSync('sh', ['-c', words], { cwd: app });
    if (name === 'RUN' && words.startsWith('npm ci ')) copyProductionPackages(app);
  }
  execFileSync('chmod', ['-R', 'a-w', app]);
  // Other users may not be able to enter the folder of this Node.
  copyFileSync(process.execPath, join(folder, 'node'));
  chmodSync(folder, 0o555);
}

function copy(app: string, words: string): void {
  const paths = words.split(' ');
  const to = join(app, paths.at(-1) ?? '');
  for (const path of paths.slice(0, -1)) {
    cpSync(join(root, path), to.endsWith('/') ? join(to, path) : to, { recursive: true });
  }
}

/** What the `npm ci` of the Containerfile installs, taken from this checkout, because tests have no network. */
function copyProductionPackages(app: string): void {
  // A package within another one is copied with it.
  const topLevel = productionPackages()
    .map(({ path }) => path)
    .filter((path) => path.lastIndexOf('node_modules/') === 0);
  // cpSync takes three times as long for so many files.
  const [tar, untar] = [`tar cf - "$@"`, `tar xf - -C '${app}'`];
  execFileSync('sh', ['-c', `${tar} | ${untar}`, 'sh', ...topLevel], { cwd: root });
}
