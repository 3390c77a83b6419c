import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { releaseVersion } from '../../deploy/release/version.ts';

test('all files of the checkout have the same version', () => {
  expect(releaseVersion('.')).toMatch(/^\d+\.\d+\.\d+$/);
});

test.each(['clients/typescript/package.json', 'deploy/Containerfile', 'package.json'])(
  'a release is refused if %s has another version',
  (changed) => {
    const root = mkdtempSync(join(tmpdir(), 'version-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const path of ['package.json', 'package-lock.json', 'clients/typescript/package.json', 'deploy']) {
      cpSync(path, join(root, path), { recursive: true });
    }
    const version = releaseVersion(root);
    const text = readFileSync(join(root, changed), 'utf8');
    writeFileSync(join(root, changed), text.replaceAll(version, '9.9.9'));
    expect(() => releaseVersion(root)).toThrow(changed);
  },
);
