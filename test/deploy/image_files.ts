import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, bundle, type Instruction } from './containerfile.ts';
import { productionPackages } from './production_packages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Carries out the stages of the Containerfile in `folder/app`; nothing there can be written afterwards. */
export function buildImageFiles(folder: string): void {
  const app = join(folder, 'app');
  const bundled = join(folder, 'bundle');
  carryOut(bundle, bundled, { install: () => symlinkSync(join(root, 'node_modules'), join(bundled, 'node_modules')) });
  carryOut(build, app, { install: () => copyProductionPackages(app), from: bundled });
  rmSync(bundled, { recursive: true });
  execFileSync('chmod', ['-R', 'a-w', app]);
  // Other users may not be able to enter the folder of this Node.
  copyFileSync(process.execPath, join(folder, 'node'));
  chmodSync(folder, 0o555);
}

interface StageParts {
  /** Instead of `npm ci`, because tests have no network. */
  readonly install: () => void;
  /** The folder of the other stage that it copies from. */
  readonly from?: string;
}

function carryOut(stage: readonly Instruction[], folder: string, { install, from }: StageParts): void {
  mkdirSync(folder);
  for (const { name, words } of stage) {
    const [, path, to] = /^--from=\w+ \/app\/(\S+) (\S+)$/.exec(words) ?? [];
    if (name === 'COPY' && from !== undefined && path !== undefined && to !== undefined) {
      cpSync(join(from, path), join(folder, to), { recursive: true });
    } else if (name === 'COPY') copy(folder, words);
    if (name === 'RUN' && words.startsWith('npm ci ')) install();
    else if (name === 'RUN') execFileSync('sh', ['-c', words], { cwd: folder });
  }
}

function copy(folder: string, words: string): void {
  const paths = words.split(' ');
  const to = join(folder, paths.at(-1) ?? '');
  for (const path of paths.slice(0, -1)) {
    cpSync(join(root, path), to.endsWith('/') ? join(to, basename(path)) : to, { recursive: true });
  }
}

/** What the `npm ci` of the Containerfile installs, taken from this checkout. */
function copyProductionPackages(app: string): void {
  // A package within another one is copied with it.
  const topLevel = productionPackages()
    .map(({ path }) => path)
    .filter((path) => path.lastIndexOf('node_modules/') === 0);
  // cpSync takes three times as long for so many files.
  const [tar, untar] = [`tar cf - "$@"`, `tar xf - -C '${app}'`];
  execFileSync('sh', ['-c', `${tar} | ${untar}`, 'sh', ...topLevel], { cwd: root });
}
