import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReadSlots } from '../../src/entra/exchange/concurrent_file_read_limit.ts';
import { createAssertionFiles } from '../../src/entra/exchange/federated_assertion_reader.ts';
import { SECOND } from '../../src/model/clock.ts';

const ACME = 'acme.acme.acme';
const BETA = 'beta.beta.beta';
const OWN = 'own.own.own';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assertions-')));
  put('tokens/acme/token', ACME);
  put('tokens/beta/token', BETA);
  put('own/token', OWN);
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (path: string) => join(folder, path);
function put(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

function files(entries: readonly { tenantId?: string; path: string }[] = [{ path: 'tokens/{tenant}' }]) {
  const allowed = entries.map(({ tenantId, path }) => ({ tenantId, path: at(path) }));
  const made = createAssertionFiles({ allowed, ownTokenFiles: [at('own/token'), at('own/absent')] });
  return {
    read: async (tenantId: string, path: string) => (await made.read({ tenantId, path: at(path) }, SECOND)).reveal(),
    check: (tenantId: string, path: string) => made.check('credential.file', { tenantId, path: at(path) }),
  };
}

const INVALID = { reason: 'FIELD_INVALID' };

/** Expects a refusal at each read, and when the file is added. */
async function refused(made: ReturnType<typeof files>, tenantId: string, path: string, message: string | RegExp) {
  await expect(made.read(tenantId, path)).rejects.toMatchObject({
    ...INVALID,
    message: expect.stringMatching(message),
  });
  await expect(made.check(tenantId, path)).rejects.toMatchObject({
    ...INVALID,
    message: expect.stringMatching(/^credential\.file: /),
    metadata: { field: 'credential.file' },
  });
}

test('each tenant reads the files of its own folder, and sees replaced files', async () => {
  const made = files();
  await made.check('acme', 'tokens/acme/token');
  expect(await made.read('acme', 'tokens/acme/token')).toBe(ACME);
  expect(await made.read('beta', 'tokens/beta/token')).toBe(BETA);
  put('tokens/acme/token', 'a.b.c\n');
  expect(await made.read('acme', 'tokens/acme/token')).toBe('a.b.c');
});

test.each([
  ['of another tenant', 'tokens/beta/token'],
  ['of another tenant, by a path that leads there', 'tokens/acme/../beta/token'],
  ['that is not allowed', 'own/token'],
  ['beside the allowed folder', 'tokens/acme-2/token'],
  ['that is the folder of all tenants', 'tokens'],
])('a file %s is refused', async (_, path) => {
  put('tokens/acme-2/token', ACME);
  const made = files();
  await expect(made.read('acme', 'tokens/acme/token')).resolves.toBe(ACME);
  const requested = path.includes('..') ? `${folder}/${path}` : at(path);
  const direct = createAssertionFiles({
    allowed: [{ tenantId: undefined, path: at('tokens/{tenant}') }],
    ownTokenFiles: [],
  });
  await expect(direct.read({ tenantId: 'acme', path: requested }, SECOND)).rejects.toMatchObject({
    ...INVALID,
    message: expect.stringContaining('TOKENVAULT_FEDERATED_FILES does not include it'),
  });
});

test('without the setting no file is allowed', async () => {
  await refused(files([]), 'acme', 'tokens/acme/token', /is not set/);
});

test('an entry for one tenant, a folder or a file, serves that tenant only', async () => {
  const made = files([
    { tenantId: 'acme', path: 'tokens/acme/token' },
    { tenantId: 'beta', path: 'tokens/beta' },
  ]);
  expect(await made.read('acme', 'tokens/acme/token')).toBe(ACME);
  expect(await made.read('beta', 'tokens/beta/token')).toBe(BETA);
  await refused(made, 'beta', 'tokens/acme/token', /tenants\/beta may not use this file/);
  await refused(made, 'acme', 'tokens/beta/token', /tenants\/acme may not use this file/);
});

test('a missing file is accepted, and read once it exists', async () => {
  const made = files();
  await made.check('acme', 'tokens/acme/later');
  await expect(made.read('acme', 'tokens/acme/later')).rejects.toThrow('ENOENT');
  put('tokens/acme/later', ACME);
  expect(await made.read('acme', 'tokens/acme/later')).toBe(ACME);
});

describe('links', () => {
  test.each([
    ['a file of another tenant', 'tokens/beta/token'],
    ['a file elsewhere', 'elsewhere/token'],
  ])('to %s are not followed', async (_, target) => {
    put('elsewhere/token', BETA);
    symlinkSync(at(target), at('tokens/acme/link'));
    symlinkSync(dirname(at(target)), at('tokens/acme/folder'));
    const made = files();
    await refused(made, 'acme', 'tokens/acme/link', /a link leads out of the folder/);
    await refused(made, 'acme', 'tokens/acme/folder/token', /a link leads out of the folder/);
  });

  test('that replace the tenant’s folder by another tenant’s are not followed', async () => {
    rmSync(at('tokens/acme'), { recursive: true });
    symlinkSync('beta', at('tokens/acme'));
    const made = files();
    await refused(made, 'acme', 'tokens/acme/token', /a link leads out of the folder/);
    expect(await made.read('beta', 'tokens/beta/token')).toBe(BETA);
  });

  test('through which Kubernetes projects a volume are followed, also during a replacement', async () => {
    rmSync(at('tokens'), { recursive: true });
    const project = (version: string, text: string) => {
      for (const tenant of ['acme', 'beta']) put(`tokens/..${version}/${tenant}/token`, `${text}.${tenant}.x`);
      symlinkSync(`..${version}`, at('tokens/..data_tmp'));
      renameSync(at('tokens/..data_tmp'), at('tokens/..data'));
    };
    project('1', 'old');
    for (const tenant of ['acme', 'beta']) symlinkSync(`..data/${tenant}`, at(`tokens/${tenant}`));
    const made = files();
    expect(await made.read('acme', 'tokens/acme/token')).toBe('old.acme.x');
    project('2', 'new');
    rmSync(at('tokens/..1'), { recursive: true });
    expect(await made.read('acme', 'tokens/acme/token')).toBe('new.acme.x');
    await refused(made, 'acme', 'tokens/beta/token', /may not use this file/);
  });

  test('of a single file that Kubernetes projects are followed', async () => {
    put('one/..1/token', ACME);
    symlinkSync('..1', at('one/..data'));
    symlinkSync('..data/token', at('one/token'));
    expect(await files([{ tenantId: 'acme', path: 'one/token' }]).read('acme', 'one/token')).toBe(ACME);
  });
});

describe("the vault's own token is not presented for an app", () => {
  const own = [{ tenantId: 'acme', path: 'own' }, { path: 'tokens/{tenant}' }];

  test.each([
    ['by its path', 'own/token'],
    ['by a link', 'own/link'],
    ['by a hard link', 'tokens/acme/hard'],
    ['as a copy', 'tokens/acme/copy'],
  ])('%s', async (_, path) => {
    symlinkSync('token', at('own/link'));
    linkSync(at('own/token'), at('tokens/acme/hard'));
    put('tokens/acme/copy', `${OWN}\n`);
    await refused(files(own), 'acme', path, /by which this service itself signs in/);
  });
});

describe('files that are not tokens', () => {
  test('a named pipe without a writer is refused without a wait', async () => {
    execFileSync('mkfifo', [at('tokens/acme/pipe')]);
    await refused(files(), 'acme', 'tokens/acme/pipe', /not a regular file/);
  });

  test('a folder', async () => {
    mkdirSync(at('tokens/acme/sub'));
    await refused(files(), 'acme', 'tokens/acme/sub', /not a regular file/);
  });

  test('more than 64 KiB', async () => {
    put('tokens/acme/large', `a.b.${'c'.repeat(64 * 1024)}`);
    await refused(files(), 'acme', 'tokens/acme/large', /more than 64 KiB/);
  });

  test('a file with other content is refused, and its content is not shown', async () => {
    put('tokens/acme/secret', 'root:x:0:0');
    await expect(files().read('acme', 'tokens/acme/secret')).rejects.toThrow(/^not a JWT$/);
  });
});

describe('reads that hang', () => {
  const never = () => new Promise<string>(() => {});

  test('end at each caller’s deadline, and delay no other file', async () => {
    const slots = createReadSlots<string>(2);
    const hanging = ['a', 'a', 'a'].map((path) => slots.run(path, 20, never));
    expect(await slots.run('b', SECOND, async () => 'read')).toBe('read');
    for (const one of hanging) await expect(one).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  });

  test('use no more threads than there are slots', async () => {
    const slots = createReadSlots<string>(2);
    let started = 0;
    const read = () => {
      started += 1;
      return never();
    };
    const all = ['a', 'b', 'c', 'd'].map((path) => slots.run(path, 20, read));
    for (const one of all) await expect(one).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
    expect(started).toBe(2);
  });

  test('more files than slots are read in turn', async () => {
    const slots = createReadSlots<string>(2);
    const paths = [...Array(20).keys()].map(String);
    const read = (path: string) => async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return path;
    };
    expect(await Promise.all(paths.map((path) => slots.run(path, 10 * SECOND, read(path))))).toEqual(paths);
  });
});
