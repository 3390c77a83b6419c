import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceHash } from '../../bin/source_hash.js';
import { bundle } from '../../deploy/bundle.ts';
import { runProgram, smallCheckout } from './small_checkout.ts';

const PROGRAM = 'bin/token-vault.js';

/** Prints what it finds. It takes the place of the command line. */
const REPORT = `import module from 'node:module';
import { cachedDataVersionTag } from 'node:v8';
console.log(JSON.stringify({ tag: cachedDataVersionTag(), cache: module.getCompileCacheDir() }));
`;

function checkout(): string {
  const root = smallCheckout({ 'src/startup/run_command_line.ts': REPORT });
  copyFileSync('src/main.ts', join(root, 'src/main.ts'));
  return root;
}

async function bundledCheckout(): Promise<string> {
  const root = checkout();
  await bundle({ 'token-vault': join(root, 'src/main.ts') }, join(root, 'dist'));
  writeFileSync(join(root, 'dist/sources.sha256'), sourceHash(root) ?? '');
  return root;
}

/** The tag of compiled code, which V8 derives from its version and its flags. */
function tagWith(...flags: string[]): number {
  return Number(execFileSync(process.execPath, [...flags, '-p', 'v8.cachedDataVersionTag()']));
}

test.each([
  { what: 'the bundle', make: bundledCheckout, main: PROGRAM, program: 'dist/run_command_line' },
  { what: 'the sources by bin/', make: checkout, main: PROGRAM, program: 'src/startup/run_command_line' },
  { what: 'src/main.ts', make: checkout, main: 'src/main.ts', program: 'src/startup/run_command_line' },
])('V8 has the flag, and Node the cache, before $what loads the program', async ({ make, main, program }) => {
  const root = await make();
  const { tag, cache } = JSON.parse(runProgram(root, main).stdout) as { tag: number; cache: string };
  expect(tag).toBe(tagWith('--no-allocation-site-pretenuring'));
  expect(tag).not.toBe(tagWith());
  expect(cache).toContain(join(root, 'node_modules/.cache/token-vault'));

  // Written by the first run under the same flag. A module that was loaded before would not be read from the cache.
  const log = runProgram(root, main, { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }).stderr;
  const accepted = log.split('\n').filter((line) => line.includes('was accepted'));
  expect(accepted.filter((line) => line.includes(join(root, program)))).not.toEqual([]);
});

test.each([PROGRAM, 'src/main.ts'])('%s runs without a cache if its folder cannot be created', (main) => {
  const root = checkout();
  const temporary = join(root, 'temporary');
  mkdirSync(temporary);
  mkdirSync(join(root, 'node_modules'));
  // A file in its place stops root too.
  writeFileSync(join(root, 'node_modules/.cache'), '');

  const { status, stdout, stderr } = runProgram(root, main, { TMPDIR: temporary });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout).cache).toBeUndefined();
  expect(readdirSync(temporary)).toEqual([]);
});

test('a cache that NODE_COMPILE_CACHE names is used, and none if it cannot be created', async () => {
  const root = await bundledCheckout();
  const named = { NODE_COMPILE_CACHE: join(root, 'named') };
  expect(JSON.parse(runProgram(root, PROGRAM, named).stdout).cache).toContain(named.NODE_COMPILE_CACHE);
  const { stderr: log } = runProgram(root, PROGRAM, { ...named, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
  expect(log).toMatch(/dist\/run_command_line\S+ was accepted/);

  const { status, stderr } = runProgram(root, PROGRAM, { NODE_COMPILE_CACHE: join(root, 'package.json/none') });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('ticks keep their hidden class when full collections find none', () => {
  const program = `
    import { createHook } from 'node:async_hooks';
    import { tickObject } from '${join(process.cwd(), 'bin/keep_tick_object.js')}';
    for (let count = 0; count < 50; count += 1) await new Promise((resolve) => process.nextTick(resolve, 1));
    for (let count = 0; count < 8; count += 1) {
      await new Promise((resolve) => setTimeout(resolve));
      gc();
    }
    let later;
    const init = (_asyncId, type, _trigger, resource) => { if (type === 'TickObject') later = resource; };
    const hook = createHook({ init }).enable();
    process.nextTick(() => {}, 1);
    hook.disable();
    console.log(later !== tickObject && %HaveSameMap(later, tickObject));`;
  const args = ['--expose-gc', '--allow-natives-syntax', '--input-type=module', '--eval', program];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()).toBe('true');
});
