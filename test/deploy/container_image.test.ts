import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build, bundle, globals, image, only, wordsOf } from './containerfile.ts';
import { buildImageFiles } from './image_files.ts';
import { type Image, imageAt } from './image_process.ts';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

const FREE_PORTS = Object.fromEntries(
  ['GRPC', 'ADMIN', 'WEB', 'OPS'].map((name) => [`TOKENVAULT_${name}_ADDRESS`, '127.0.0.1:0']),
);

let folder: string;
let container: Image;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-'));
  const [user = 0, group = 0] = only('USER').split(':').map(Number);
  for (const path of wordsOf('VOLUME')) {
    mkdirSync(join(folder, path), { recursive: true });
    if (process.getuid?.() === 0) chownSync(join(folder, path), user, group);
  }
  buildImageFiles(folder);
  container = imageAt(folder);
});
afterAll(() => {
  execFileSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
});

test('the vault starts, becomes ready and stops, and writes to its volumes only', async () => {
  const vault = container.start(FREE_PORTS);
  const ended = once(vault, 'exit');
  const stderr = readAll(vault.stderr);
  const ops = await opsAddress(vault.stdout, ended, stderr);

  expect(await (await fetch(`http://${ops}/readyz`)).text()).toMatch(/^ok\n/);
  expect(container.healthCheck(ops)).toBe(0);

  vault.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(container.healthCheck(ops)).toBe(1);
  expect(existsSync(join(folder, only('WORKDIR'), 'data/vault.db'))).toBe(true);
  expect(existsSync(join(folder, only('WORKDIR'), 'keys/kek'))).toBe(true);
});

test.each([
  { words: ['serve'], environment: { TOKENVAULT_SANDBOX: 'on' } },
  { words: ['serve'], environment: { TOKENVAULT_SANDBOX: 'http://127.0.0.1:8400' } },
  { words: ['sandbox'], environment: {} },
  { words: ['demo'], environment: {} },
])('the image explains that it has no sandbox: $words $environment', ({ words, environment }) => {
  const { status, stderr } = container.run(words, { ...FREE_PORTS, ...environment });
  expect(stderr).toContain('need the sandbox, which container images do not contain');
  expect(status).toBe(78);
});

// Without root, the test runs the image as another user than its own.
test.runIf(process.getuid?.() === 0)('the image has the compiled code of its program', () => {
  const { stderr } = container.run(['--version'], { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
  const log = String(stderr);
  expect(log).toMatch(/dist\/run_command_line\S+ was accepted/);
  expect(log).not.toContain('writing cache');
});

test('the build context has all that the Containerfile copies', () => {
  const sent = readFileSync(new URL('../../.dockerignore', import.meta.url), 'utf8').match(/(?<=^!).*$/gm);
  const copied = [bundle, build].flat().filter(({ name, words }) => name === 'COPY' && !words.startsWith('--from'));
  const paths = copied.flatMap(({ words }) => words.split(' ').slice(0, -1));
  expect(paths.filter((path) => !sent?.includes(path.split('/')[0] ?? ''))).toEqual([]);
});

test('the image has the production dependencies, and neither sandbox, demo nor tests', () => {
  const installed = (name: string) => existsSync(join(folder, 'app/node_modules', name, 'package.json'));
  expect(Object.keys(manifest.dependencies).filter((name) => !installed(name))).toEqual([]);
  // A production dependency needs this one too.
  expect(Object.keys(manifest.devDependencies).filter(installed)).toEqual(['@types/node']);
  const absent = ['src/main.ts', 'src/sandbox', 'src/demo', 'test', 'deploy'];
  expect(absent.filter((path) => existsSync(join(folder, 'app', path)))).toEqual([]);
  expect(only('COPY')).toBe('--from=build /app /app');
  const install = build.find(({ words }) => words.startsWith('npm ci'))?.words;
  expect(install).toBe('npm ci --omit=dev --omit=optional --ignore-scripts');
});

test('the image has the Node version of the tests, the version of the program, and a numeric user', () => {
  expect(globals).toEqual([{ name: 'ARG', words: `NODE_VERSION=${manifest.devDependencies['node']}` }]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the Containerfile
  const base = 'docker.io/library/node:${NODE_VERSION}-bookworm-slim';
  const bases = [bundle, build, image].map(([from]) => from?.words);
  expect(bases).toEqual([`${base} AS bundle`, `${base} AS build`, base]);
  expect(only('LABEL')).toContain(`org.opencontainers.image.version="${manifest.version}"`);
  expect(only('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
});

function readAll(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

async function opsAddress(
  stdout: NodeJS.ReadableStream | null,
  ended: Promise<unknown>,
  stderr: () => string,
): Promise<string> {
  if (stdout === null) throw new Error('no output');
  void ended.then(() => undefined);
  for await (const line of createInterface({ input: stdout })) {
    const [, address] = /ops +http:\/\/([^/]+)\//.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`The vault ended before it served: ${stderr()}`);
}
