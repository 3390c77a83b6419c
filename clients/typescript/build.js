/** Builds `dist/`: ES modules and CommonJS, each with its declarations. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const folder = import.meta.dirname;
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const FORMATS = {
  esm: { type: 'module', options: [] },
  // The sources are ES modules, which nodenext does not turn into CommonJS.
  cjs: {
    type: 'commonjs',
    options: ['--module', 'commonjs', '--moduleResolution', 'bundler', '--verbatimModuleSyntax', 'false'],
  },
};

rmSync(join(folder, 'dist'), { recursive: true, force: true });
for (const [format, { type, options }] of Object.entries(FORMATS)) {
  const outDir = join(folder, 'dist', format);
  const arguments_ = [join(typescript, 'bin/tsc'), '-p', join(folder, 'tsconfig.build.json'), '--outDir', outDir];
  execFileSync(process.execPath, [...arguments_, ...options], { stdio: 'inherit' });
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify({ type })}\n`);
  // The compiler rewrites extensions only in JavaScript. Before version 5, it resolves no `.ts` in declarations.
  for (const name of readdirSync(outDir, { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
    const path = join(outDir, name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(/(\bfrom |\bimport\()(["'])(\.[^"']+)\.ts\2/g, '$1$2$3.js$2'));
  }
}
