import { execFileSync, spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PROGRAM_FILES } from '../../deploy/release/build_program_archive.ts';
import { buildRelease } from '../../deploy/release/build_release.ts';
import { CLIENT_PACKAGES } from '../../deploy/release/client_packages.ts';
import { spawnServe } from '../scenarios/spawn_serve.ts';
import { build } from './containerfile.ts';
import { productionPackages } from './production_packages.ts';

const checkout = process.cwd();
const read = (...words: readonly string[]) =>
  execFileSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', maxBuffer: 2 ** 26 }).trim();
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

const isClone = spawnSync('git', ['rev-parse', 'HEAD']).status === 0;
if (!isClone) console.warn('This is no clone of the repository: no release is built.');
const tree = isClone ? presentTree() : '';
const committed = new Set(isClone ? linesOf(read('git', 'ls-tree', '-r', '--name-only', tree)) : []);
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const incomplete = CLIENT_PACKAGES.filter((client) => client.missingTools() !== undefined);
for (const client of incomplete) console.warn(`${client.missingTools()}. The release is built without it.`);
// In CI, a missing tool fails the tests.
const clients = CLIENT_PACKAGES.filter((client) => process.env['CI_RUN'] !== undefined || !incomplete.includes(client));
const has = (folder: string) =>
  clients.some((client) => client.folder === folder) && [...committed].some((path) => path.startsWith(`${folder}/`));

let folder: string;
/** The unpacked program, elsewhere. */
let program: string;
beforeAll(async () => {
  if (!isClone) return;
  mkdirSync('.tmp', { recursive: true });
  folder = mkdtempSync(join(checkout, '.tmp/built-'));
  program = mkdtempSync(join(tmpdir(), 'program-'));
  await buildRelease({ checkout, folder, clients, tree });
  read('tar', '-xzf', join(folder, `token-vault-${version}.tar.gz`), '-C', program, '--strip-components=1');
}, 600_000);
afterAll(() => {
  for (const path of [folder, program]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
});

/** The files of the checkout as they would be committed now. */
function presentTree(): string {
  const temporary = mkdtempSync(join(tmpdir(), 'index-'));
  const env = { ...process.env, GIT_INDEX_FILE: join(temporary, 'index') };
  const git = (...words: readonly string[]) => execFileSync('git', words, { env, encoding: 'utf8' }).trim();
  git('read-tree', 'HEAD');
  git('add', '--all');
  const written = git('write-tree');
  rmSync(temporary, { recursive: true });
  return written;
}

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)));
}

describe.skipIf(!isClone)('a release', () => {
  test('has the files of all parts, and their checksums', () => {
    const files = filesIn(folder);
    const sums = files
      .filter((name) => name !== 'SHA256SUMS')
      .sort()
      .map((name) => `${hash('sha256', readFileSync(join(folder, name)))}  ${name}`);
    expect(linesOf(readFileSync(join(folder, 'SHA256SUMS'), 'utf8'))).toEqual(sums);

    const python = ['-py3-none-any.whl', '.tar.gz'].map((end) => `token_vault_client-${version}${end}`);
    const go = ['list', ...['info', 'mod', 'zip'].map((end) => `v${version}.${end}`)];
    expect(files.map((name) => name.replace(/^go\/.*\/@v\//, '')).sort()).toEqual(
      [
        'SHA256SUMS',
        `token-vault-${version}.tar.gz`,
        `token-vault-${version}.cdx.json`,
        `token-vault-proto-${version}.tar.gz`,
        `token-vault-proto-${version}.binpb`,
        `token-vault-client-${version}.tgz`,
        ...(has('clients/python') ? python : []),
        ...(has('clients/go') ? go : []),
      ].sort(),
    );
  });

  test('has a program that serves without the checkout', async () => {
    const home = mkdtempSync(join(tmpdir(), 'home-'));
    const vault = spawnServe(home, {}, { main: join(program, 'bin/token-vault.js') });
    onTestFinished(() => {
      vault.kill('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    });
    const ended = once(vault, 'exit');
    let errors = '';
    vault.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    // Its first output says that it serves.
    const [served] = await Promise.race([once(vault.stdout, 'data'), ended.then(() => [errors])]);
    expect(String(served)).toContain('grpc');
    vault.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('has a program of committed files, the bundle and the packages of the image', () => {
    const copied = build
      .filter(({ name, words }) => name === 'COPY' && !words.startsWith('deploy/'))
      .flatMap(({ words }) => words.replace('--from=bundle /app/', '').split(' ').slice(0, -1));
    expect(PROGRAM_FILES.toSorted()).toEqual(copied.sort());

    const files = filesIn(program).filter((path) => !/^node_modules\/(?:\.bin|\.cache)\//.test(path));
    const own = files.filter((path) => !path.startsWith('node_modules/') && !path.startsWith('dist/'));
    expect(own.filter((path) => !committed.has(path))).toEqual([]);
    const packages = productionPackages().map(({ path }) => `${path}/`);
    const others = files.filter((path) => path.startsWith('node_modules/'));
    expect(others.filter((path) => !packages.some((folder) => path.startsWith(folder)))).toEqual([]);
  });

  test('has neither tests, links out of it, private keys nor paths of the machine', () => {
    const files = filesIn(program);
    const own = files.filter((path) => !path.startsWith('node_modules/'));
    expect(own.filter((path) => /(?:^|\/)tests?\/|\.test\./.test(path))).toEqual([]);

    const links = readdirSync(program, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isSymbolicLink(),
    );
    expect(links.filter(({ parentPath, name }) => !existsSync(join(parentPath, name)))).toEqual([]);
    expect(links.filter(({ parentPath, name }) => readlinkSync(join(parentPath, name)).startsWith('/'))).toEqual([]);

    expect(files.filter((path) => readFileSync(join(program, path)).includes(checkout))).toEqual([]);
    const isKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[\w+/]{40}/;
    expect(own.filter((path) => isKey.test(readFileSync(join(program, path), 'utf8')))).toEqual([]);
  });

  test('has the proto files and their descriptor set', () => {
    const name = `token-vault-proto-${version}`;
    const files = linesOf(read('tar', '-tzf', join(folder, `${name}.tar.gz`)));
    const expected = [...committed].filter((path) => /^(?:proto|third_party)\//.test(path));
    expect(files).toEqual(expected.map((path) => `${name}/${path}`).sort());
    expect(readFileSync(join(folder, `${name}.binpb`))).toEqual(readFileSync('src/gen/descriptor_set.binpb'));
  });

  test.runIf(has('clients/python'))('has Python packages of committed files', () => {
    const name = `token_vault_client-${version}`;
    const sources = linesOf(read('tar', '-tzf', join(folder, `${name}.tar.gz`))).map((path) =>
      path.replace(`${name}/`, ''),
    );
    const made = (path: string) => ['PKG-INFO', '.gitignore'].includes(path);
    expect(sources.filter((path) => !made(path) && !committed.has(`clients/python/${path}`))).toEqual([]);

    const list = 'import sys, zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))';
    const files = linesOf(read('python3', '-c', list, join(folder, `${name}-py3-none-any.whl`)));
    const modules = files.filter((path) => !path.startsWith(`${name}.dist-info/`));
    expect(modules).toContain('token_vault/py.typed');
    expect(modules.filter((path) => !committed.has(`clients/python/src/${path}`))).toEqual([]);
  });

  test.runIf(has('clients/go'))('has a Go module of committed files that go downloads', () => {
    const home = mkdtempSync(join(tmpdir(), 'go-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const path = /^module (.*)$/m.exec(readFileSync('clients/go/go.mod', 'utf8'))?.[1];
    const env = {
      ...process.env,
      GOPROXY: pathToFileURL(join(folder, 'go')).href,
      GONOSUMDB: '*',
      GOFLAGS: '-modcacherw',
      GOMODCACHE: home,
    };
    const { Dir } = JSON.parse(
      execFileSync('go', ['mod', 'download', '-json', `${path}@v${version}`], { cwd: home, env, encoding: 'utf8' }),
    ) as { Dir: string };
    const expected = [...committed].filter((name) => name.startsWith('clients/go/'));
    expect(
      filesIn(Dir)
        .map((name) => `clients/go/${name}`)
        .sort(),
    ).toEqual(expected.sort());
  });

  test('names a missing tool before it changes anything', async () => {
    const unfinished = mkdtempSync(join(checkout, '.tmp/unfinished-'));
    onTestFinished(() => rmSync(unfinished, { recursive: true }));
    writeFileSync(join(unfinished, 'earlier'), '');
    const client = {
      folder: 'clients/typescript',
      missingTools: () => 'The package needs Ada: apt-get install gnat',
      build: () => Promise.reject(new Error('built')),
    };
    await expect(buildRelease({ checkout, folder: unfinished, clients: [client] })).rejects.toThrow(
      /^The package needs Ada/,
    );
    expect(readdirSync(unfinished)).toEqual(['earlier']);
  });
});

test('nothing is published yet, and the command says so', () => {
  const { status, stderr } = spawnSync(process.execPath, ['deploy/release/main.ts'], { encoding: 'utf8' });
  expect(stderr).toContain('Run `npm run release -- --dry-run`');
  expect(status).toBe(1);
});
