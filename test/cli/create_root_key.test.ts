import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startProgram } from './program.ts';

function create(source: string, ...options: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'root-key-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const run = () =>
    startProgram(['keys', 'create', ...options], { folder, environment: { TOKENVAULT_KEY_SOURCE: source } }).ended;
  return { folder, run };
}

test('a root key is created in the file of the key source, and not overwritten', async () => {
  const { folder, run } = create('file:./keys/kek');

  expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining('Created ./keys/kek.') });
  const key = readFileSync(join(folder, 'keys/kek'));
  expect(key).toHaveLength(32);
  expect(statSync(join(folder, 'keys/kek')).mode & 0o777).toBe(0o400);

  expect(await run()).toMatchObject({ code: 69, stderr: expect.stringContaining('exists already') });
  expect(readFileSync(join(folder, 'keys/kek'))).toEqual(key);
});

test('a root key is created in another file', async () => {
  const { folder, run } = create('file:./kek', '--to', './kek.next');

  expect(await run()).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'kek.next'))).toHaveLength(32);
});

test('a key source without a file is refused', async () => {
  const { run } = create('keyvault-secret:https://acme.vault.azure.net/secrets/kek');

  expect(await run()).toMatchObject({ code: 64, stderr: expect.stringContaining('version of the secret') });
});

test('a key source without the path of the wrapped key is refused', async () => {
  const { run } = create('keyvault-key:https://acme.vault.azure.net/keys/kek');

  expect(await run()).toMatchObject({ code: 78, stderr: expect.stringContaining('TOKENVAULT_KEY_SOURCE') });
});
