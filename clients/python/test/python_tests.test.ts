import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { preparePython } from './python_environment.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const tools = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));
/** The tests wait for retries: they take half a minute alone. */
const LONG = 300_000;
const newest = await preparePython('requirements.txt');
const lowest = await preparePython('requirements_lowest.txt');

/** Rejects with all that the module has printed. */
async function runModule(python: string | undefined, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${tools}${delimiter}${process.env['PATH']}` };
  const { stdout } = await promisify(execFile)(python ?? '', args, { cwd: folder, env }).catch((error) => {
    throw new Error(`${error.stdout}${error.stderr}`);
  });
  return stdout;
}

describe.skipIf(newest === undefined)('the sources of the Python client', () => {
  const files = readdirSync(join(folder, 'test')).filter((name) => /^test_.*\.py$/.test(name));
  test.each(files)('pytest passes: %s', { timeout: LONG }, async (name) => {
    expect(await runModule(newest, '-m', 'pytest', '-q', `test/${name}`)).toMatch(/\d+ passed in/);
  });

  test('mypy finds no error, so that the types are complete', async () => {
    await runModule(newest, '-m', 'mypy', '--cache-dir', '/dev/null', 'src', 'generate.py', 'test');
  });

  test('ruff finds no error and no other format', async () => {
    await runModule(newest, '-m', 'ruff', 'check', '--no-cache', '.');
    await runModule(newest, '-m', 'ruff', 'format', '--no-cache', '--check', '.');
  });
});

describe.skipIf(lowest === undefined)('the lowest versions of the dependencies', () => {
  test('pytest passes with them', { timeout: LONG }, async () => {
    expect(await runModule(lowest, '-m', 'pytest', '-q')).toMatch(/\d+ passed in/);
  });

  test('the generated code is what clients/python/generate.py makes of proto/', async () => {
    const made = mkdtempSync(join(tmpdir(), 'generated-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    await runModule(lowest, 'generate.py', made);
    const { stdout } = await promisify(execFile)('diff', [
      '--recursive',
      '--exclude=__pycache__',
      join(made, 'token_vault/_gen'),
      join(folder, 'src/token_vault/_gen'),
    ]).catch((error) => error);
    expect(stdout).toBe('');
  });
});
