import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, { gypfile?: boolean }>;
};
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

test('npm ci compiles nothing: better-sqlite3 brings its binaries, and the lock file says so', () => {
  // npm drops this line from the lock file at every update, and then runs node-gyp over the package (which says
  // `gypfile: false` itself): put it back.
  expect(lock.packages['node_modules/better-sqlite3']?.gypfile).toBe(false);
});

test('versions are pinned exactly', () => {
  const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    ([, version]) => !/^(npm:[\w-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  expect(loose).toEqual([]);
});
