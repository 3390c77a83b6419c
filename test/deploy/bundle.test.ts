import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceHash } from '../../bin/source_hash.js';
import { bundle } from '../../deploy/bundle.ts';
import { thirdPartyNotices } from '../../deploy/third_party_notices.ts';
import { runProgram, smallCheckout } from './small_checkout.ts';

/** A checkout with a bundle of its sources. */
function checkout(): string {
  const root = smallCheckout({
    'src/main.ts': "console.log('sources');\n",
    'dist/token-vault.js': "console.log('bundle');\n",
  });
  writeFileSync(join(root, 'dist/sources.sha256'), sourceHash(root) ?? '');
  return root;
}

test('the program runs the bundle of its sources, also where there are no sources', () => {
  const root = checkout();
  expect(runProgram(root)).toEqual({ status: 0, stdout: 'bundle', stderr: '' });

  rmSync(join(root, 'src'), { recursive: true });
  expect(runProgram(root)).toEqual({ status: 0, stdout: 'bundle', stderr: '' });
});

test.each(['src/main.ts', 'package-lock.json'])('the program runs the sources after a change of %s', (changed) => {
  const root = checkout();
  appendFileSync(join(root, changed), '\n');

  const { stdout, stderr } = runProgram(root);
  expect(stdout).toBe('sources');
  expect(stderr).toBe('The bundle in dist/ is not of these sources, so src/ runs. `npm run build` renews the bundle.');
});

test('the program runs the sources if there is no bundle', () => {
  const root = checkout();
  rmSync(join(root, 'dist'), { recursive: true });

  expect(runProgram(root)).toEqual({ status: 0, stdout: 'sources', stderr: '' });
});

test('a stack trace of the bundle names files and lines of the sources', async () => {
  const root = checkout();
  await bundle({ 'token-vault': 'test/deploy/failing_program.ts' }, join(root, 'dist'));

  expect(runProgram(root).stdout).toMatch(/test\/deploy\/failing_program\.ts:3:\d+/);
});

test('the notices contain the licence of each package in the bundle', () => {
  const files = ['src/main.ts', 'node_modules/pg/lib/index.js', 'node_modules/@grpc/grpc-js/build/src/index.js'];
  const notices = thirdPartyNotices(files);
  expect(notices).toMatch(/^@grpc\/grpc-js \S+ \(Apache-2\.0\)$/m);
  expect(notices).toMatch(/^pg \S+ \(MIT\)$/m);
  expect(notices).toContain('Apache License');
});
