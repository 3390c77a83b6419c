import { constants, publicEncrypt } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyVaultKeySource, createWrappedKeyFile } from '../../src/keyring/keyvault_key_source.ts';
import { VaultError } from '../../src/model/errors.ts';
import { type FakeKey, type FakeKeyVault, fakeKey, ORIGIN, startFakeKeyVault, TOKEN } from './fake_key_vault.ts';

const OLD = fakeKey('old', { created: 1 });
const YOUNG = fakeKey('young', { created: 2 });

let folder: string;
let path: string;
let vault: FakeKeyVault;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wrapped-'));
  path = join(folder, 'kek.wrapped');
});
afterEach(async () => {
  await vault.close();
  rmSync(folder, { recursive: true });
});

async function start(...keys: FakeKey[]): Promise<void> {
  vault = await startFakeKeyVault([], keys);
}

function parts(timeout = 10_000) {
  const { credential, clientOptions } = vault;
  return { url: `${ORIGIN}/keys/kek`, path, credential, clientOptions, timeout };
}

const create = () => createWrappedKeyFile(parts());
const load = (timeout?: number) => createKeyVaultKeySource(parts(timeout)).load();

async function failure(loading = load()): Promise<VaultError> {
  const error = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VaultError)) throw new Error('expected a VaultError', { cause: error });
  expect(error.reason).toBe('KEY_SOURCE_UNAVAILABLE');
  return error;
}

/** The content of the file with other fields. */
function rewrite(change: Readonly<Record<string, unknown>>): void {
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  rmSync(path);
  writeFileSync(path, JSON.stringify({ ...(content as object), ...change }), { mode: 0o400 });
}

describe('a wrapped root key', () => {
  test('is created in a file of its own, and unwrapped at the start', async () => {
    await start(YOUNG);
    const { id } = await create();

    expect((await load()).current.id).toEqual(id);
    expect(statSync(path).mode & 0o777).toBe(0o400);
    expect(vault.requests.filter((request) => request.endsWith('with token'))).toEqual([
      'GET /keys/kek/ with token',
      'GET /keys/kek/young with token',
      'POST /keys/kek/young/wrapkey with token',
      'POST /keys/kek/young/unwrapkey with token',
    ]);
    expect(vault.scopes).toContain('https://vault.azure.net/.default');
  });

  test('is wrapped by the newest version of the key, and unwrapped by that version ever after', async () => {
    await start(OLD);
    const { id } = await create();
    vault.keys.push(YOUNG);

    expect((await load()).current.id).toEqual(id);
  });

  test('and the previous one are both loaded', async () => {
    await start(OLD);
    const previous = await create();
    renameSync(path, `${path}.previous`);
    vault.keys.push(YOUNG);
    const current = await create();

    const keks = await load();
    expect([keks.current.id, keks.previous?.id]).toEqual([current.id, previous.id]);
  });

  test('is unwrapped by a key that has expired since', async () => {
    await start(OLD);
    const { id } = await create();
    OLD.expires = 3;
    vault.keys = [OLD];

    expect((await load()).current.id).toEqual(id);
  });

  test('is never overwritten', async () => {
    await start(YOUNG);
    const { id } = await create();

    expect((await failure(create().then(() => load()))).message).toContain('EEXIST');
    expect((await load()).current.id).toEqual(id);
  });
});

describe('refuses', () => {
  test('a missing file, with the command that creates one', async () => {
    await start(YOUNG);

    expect((await failure()).message).toContain('token-vault keys create');
  });

  test.each([
    ['another key vault', { kid: 'https://other.vault.azure.net/keys/kek/young' }],
    ['another key', { kid: `${ORIGIN}/keys/other/young` }],
    ['no version', { kid: `${ORIGIN}/keys/kek` }],
    ['no address', { kid: 'kek' }],
  ])('a file that names %s, without a request', async (_, change) => {
    await start(YOUNG);
    await create();
    rewrite(change);
    vault.requests.length = 0;

    expect((await failure()).message).toContain('was not wrapped by a version of the key');
    expect(vault.requests).toEqual([]);
  });

  test.each([
    ['another algorithm', { alg: 'RSA1_5' }],
    ['a value that is not base64', { value: '!' }],
    ['a field more', { more: 1 }],
  ])('a file with %s', async (_, change) => {
    await start(YOUNG);
    await create();
    rewrite(change);

    expect((await failure()).message).toContain('is not a wrapped root key');
  });

  test.each([
    ['a folder', () => mkdirSync(path), 'is not a regular file'],
    ['a loop of links', () => symlinkSync('kek.wrapped', path), 'cannot be read (ELOOP)'],
    ['no JSON', () => writeFileSync(path, 'x', { mode: 0o400 }), 'is not a wrapped root key'],
    ['16 KiB of something else', () => writeFileSync(path, ' '.repeat(2 ** 14), { mode: 0o400 }), 'is not a wrapped'],
    ['more than 16 KiB', () => writeFileSync(path, ' '.repeat(2 ** 14 + 1), { mode: 0o400 }), 'more than 16384 bytes'],
  ])('%s in place of the file', async (_, put, message) => {
    await start(YOUNG);
    put();

    expect((await failure()).message).toContain(message);
  });

  test.each([
    ['a short value', '', Buffer.alloc(31, 1), 'holds 31 bytes'],
    ['one byte over and over', '.previous', Buffer.alloc(32, 1), 'repeats one byte'],
  ])('%s that the key wrapped, and names its file', async (_, suffix, bytes, message) => {
    await start(YOUNG);
    await create();
    const padding = { oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING };
    const value = publicEncrypt({ key: YOUNG.pair.publicKey, ...padding }, bytes).toString('base64url');
    const content = JSON.parse(readFileSync(path, 'utf8'));
    rmSync(`${path}${suffix}`, { force: true });
    writeFileSync(`${path}${suffix}`, JSON.stringify({ ...content, value }), { mode: 0o400 });

    expect((await failure()).message).toContain(`${path}${suffix} ${message}`);
  });

  test('a file that others may write, because its writer chooses the root key', async () => {
    await start(YOUNG);
    await create();
    chmodSync(path, 0o660);

    expect((await failure()).message).toContain('chmod go-w');
  });

  test('a value that the key did not wrap', async () => {
    await start(YOUNG);
    await create();
    rewrite({ value: Buffer.alloc(256, 1).toString('base64url') });

    expect((await failure()).message).toContain('HTTP 400');
  });

  test('a disabled version, and names the step', async () => {
    await start(YOUNG);
    await create();
    vault.keys = [{ ...YOUNG, enabled: false }];

    expect((await failure()).message).toContain('this version is disabled');
  });

  test('without the permission, and names it', async () => {
    await start(YOUNG);
    await create();
    vault.fault = { status: 403 };

    expect((await failure()).message).toContain('Key Vault Crypto Service Encryption User');
  });

  test('if the key vault does not answer in time', async () => {
    await start(YOUNG);
    await create();
    vault.fault = 'hang';

    expect((await failure(load(300))).message).toContain('did not answer within 0.3 s');
  });

  test('a response that cannot be read, without showing key or bearer token', async () => {
    await start(YOUNG);
    await create();
    const value = Buffer.alloc(32, 7).toString('base64url');
    vault.faults.push({ status: 200, body: `{"kid": [], "value": "${value}` });

    const shown = inspect(await failure(), { depth: 10, showHidden: true });
    expect(shown).not.toContain(value);
    expect(shown).not.toContain(TOKEN);
  });
});
