#!/usr/bin/env node
// Plain JavaScript, so that a Node that cannot run TypeScript says so. The program itself checks the exact version.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`token-vault needs Node 22.23.2, 24.18.1 or newer (this is ${process.versions.node}).`);
  console.error(
    'From a checkout, `npm start`, `npm run demo` and `npm run token-vault -- COMMAND` bring their own Node 24.',
  );
  process.exit(69);
}
await import('../src/main.ts');
