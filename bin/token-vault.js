#!/usr/bin/env node
// Plain JavaScript, so that a Node that cannot run TypeScript says so. The program itself checks the exact version.
import './prepare_node.js';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sourceHash } from './source_hash.js';
import { mapStackTraces } from './source_maps.js';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`token-vault needs Node 22.23.2, 24.18.1 or newer (this is ${process.versions.node}).`);
  console.error(
    'From a checkout, `npm start`, `npm run demo` and `npm run token-vault -- COMMAND` bring their own Node 24.',
  );
  process.exit(69);
}

const root = fileURLToPath(new URL('..', import.meta.url));
if (isBundled()) {
  mapStackTraces();
  await import('../dist/token-vault.js');
} else {
  await import('../src/main.ts');
}

/** Whether `npm run build` made a bundle of these sources. */
function isBundled() {
  if (!existsSync(`${root}/dist/token-vault.js`)) return false;
  const hash = sourceHash(root);
  if (hash === undefined || hash === readFileSync(`${root}/dist/sources.sha256`, 'utf8')) return true;
  console.error('The bundle in dist/ is not of these sources, so src/ runs. `npm run build` renews the bundle.');
  return false;
}
