import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { sourceHash } from '../../bin/source_hash.js';
import { bundle } from '../../deploy/bundle.ts';
import { thirdPartyNotices } from '../../deploy/third_party_notices.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkout-'));
  return () => rmSync(folder, { recursive: true });
});

/** A checkout with a bundle of its sources. */
function checkout(): string {
  cpSync('bin', join(folder, 'bin'), { recursive: true });
  const files = { 'package.json': '{"type":"module"}', 'package-lock.json': '{}' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const name of ['src', 'dist']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'src/main.ts'), "console.log('sources');\n");
  writeFileSync(join(folder, 'dist/token-vault.js'), "console.log('bundle');\n");
  writeFileSync(join(folder, 'dist/sources.sha256'), sourceHash(folder) ?? '');
  return folder;
}

function run(root: string) {
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/token-vault.js')], { encoding: 'utf8' });
  return { stdout: stdout.trim(), stderr: stderr.trim() };
}

test('the program runs the bundle of its sources, also where there are no sources', () => {
  const root = checkout();
  expect(run(root)).toEqual({ stdout: 'bundle', stderr: '' });

  rmSync(join(root, 'src'), { recursive: true });
  expect(run(root)).toEqual({ stdout: 'bundle', stderr: '' });
});

test.each(['src/main.ts', 'package-lock.json'])('the program runs the sources after a change of %s', (changed) => {
  const root = checkout();
  appendFileSync(join(root, changed), '\n');

  const { stdout, stderr } = run(root);
  expect(stdout).toBe('sources');
  expect(stderr).toContain('`npm run build` renews the bundle');
});

test('the program runs the sources if there is no bundle', () => {
  const root = checkout();
  rmSync(join(root, 'dist'), { recursive: true });

  expect(run(root)).toEqual({ stdout: 'sources', stderr: '' });
});

test('a stack trace of the bundle names files and lines of the sources', async () => {
  const root = checkout();
  await bundle({ 'token-vault': 'test/deploy/failing_program.ts' }, join(root, 'dist'));

  expect(run(root).stdout).toMatch(/test\/deploy\/failing_program\.ts:3:\d+/);
});

test('the notices contain the licence of each package in the bundle', () => {
  const files = ['src/main.ts', 'node_modules/pg/lib/index.js', 'node_modules/@grpc/grpc-js/build/src/index.js'];
  const notices = thirdPartyNotices(files);
  expect(notices).toMatch(/^@grpc\/grpc-js \S+ \(Apache-2\.0\)$/m);
  expect(notices).toMatch(/^pg \S+ \(MIT\)$/m);
  expect(notices).toContain('Apache License');
});

test('the program keeps compiled code in its own folder', () => {
  const root = checkout();
  const report = "import module from 'node:module';\nconsole.log(module.getCompileCacheDir());\n";
  writeFileSync(join(root, 'dist/token-vault.js'), report);

  expect(run(root).stdout).toContain(join(root, 'node_modules/.cache/token-vault'));
});

test('the sources prepare Node before they import anything else', () => {
  const [first] = /^import .*$/m.exec(readFileSync('src/main.ts', 'utf8')) ?? [];
  expect(first).toBe("import '../bin/prepare_node.js';");
});
