import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

const NAME = 'string name = 1;';
const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'breaking-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'proto'));
  writeFileSync(join(folder, 'buf.yaml'), 'version: v2\nmodules: [{ path: proto }]\nbreaking: { use: [FILE] }\n');
  git('init', '--quiet');
  commitFields(NAME);
});

const git = (...words: readonly string[]) => execFileSync('git', [...author, ...words], { cwd: folder, stdio: 'pipe' });

function commitFields(fields: string): void {
  const text = `syntax = "proto3";\npackage example.v1;\nmessage User { ${fields} }\n`;
  writeFileSync(join(folder, 'proto/user.proto'), text);
  git('add', '.');
  git('commit', '--quiet', '--message', fields);
}

function check() {
  const path = [resolve('node_modules/.bin'), process.env['PATH']].join(delimiter);
  const main = resolve('deploy/release/check_breaking.ts');
  const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, PATH: path } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main], options);
  return { status, output: stdout + stderr };
}

test('without a tag there is nothing to compare the API with', () => {
  git('tag', 'clients/go/v0.1.0');
  expect(check()).toEqual({ status: 0, output: 'There is no tag of a release yet. The API is not compared.\n' });
});

test('a field may be added after a release, but none removed', () => {
  git('tag', 'v0.1.0');
  commitFields(`${NAME} string email = 2;`);
  expect(check()).toEqual({ status: 0, output: 'The API breaks no client of v0.1.0.\n' });

  commitFields('string email = 2;');
  const { status, output } = check();
  expect(output).toContain('field "1" with name "name" on message "User" was deleted');
  expect(status).not.toBe(0);
});
