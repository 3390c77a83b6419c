import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyVaultSecretKeySource } from '../../src/keyring/keyvault_secret_key_source.ts';
import { VaultError } from '../../src/model/errors.ts';
import { type FakeKeyVault, type FakeVersion, startFakeKeyVault } from './fake_key_vault.ts';

const bytesOf = (seed: number) => Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 7 + seed) & 0xff));
const idOf = (seed: number) => createKek(bytesOf(seed)).id;
const version = (seed: number, more: Partial<FakeVersion> = {}): FakeVersion => ({
  version: `v${seed}`,
  value: bytesOf(seed).toString('base64'),
  created: 1_700_000_000 + seed,
  ...more,
});

let vault: FakeKeyVault;
afterEach(() => vault.close());

async function load(versions: FakeVersion[], { fault, faults = [], pin = '', timeout = 10_000 }: Options = {}) {
  vault = await startFakeKeyVault(versions);
  vault.fault = fault;
  vault.faults.push(...faults);
  const { credential, clientOptions } = vault;
  return createKeyVaultSecretKeySource({ url: vault.url + pin, credential, clientOptions, timeout }).load();
}

interface Options {
  fault?: FakeKeyVault['fault'];
  faults?: FakeKeyVault['faults'];
  pin?: string;
  timeout?: number;
}

async function failure(...args: Parameters<typeof load>): Promise<VaultError> {
  const error = await load(...args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VaultError)) throw new Error('expected a VaultError', { cause: error });
  expect(error.reason).toBe('KEY_SOURCE_UNAVAILABLE');
  return error;
}

describe('which versions', () => {
  test('the newest enabled version is current and the enabled one before it previous', async () => {
    const keks = await load([version(3), version(1), version(9, { enabled: false }), version(5)]);

    expect(keks.current).toMatchObject({ id: idOf(5), keyVaultVersion: 'v5' });
    expect(keks.previous).toMatchObject({ id: idOf(3), keyVaultVersion: 'v3' });
  });

  test('the newest version is the one created last, whatever its name', async () => {
    const keks = await load([version(1, { created: 9 }), version(2, { created: 8 }), version(3, { created: 7 })]);

    expect([keks.current.id, keks.previous?.id]).toEqual([idOf(1), idOf(2)]);
  });

  test('of versions of the same second the name decides, in any order of the list', async () => {
    const versions = [1, 3, 2].map((seed) => version(seed, { created: 9 }));
    for (const listed of [versions, versions.toReversed()]) {
      const keks = await load(listed);
      expect([keks.current.id, keks.previous?.id]).toEqual([idOf(3), idOf(2)]);
      await vault.close();
    }
  });

  test('there is no previous key if there is one version', async () => {
    const keks = await load([version(1)]);

    expect(keks).toEqual({ current: expect.objectContaining({ id: idOf(1) }) });
  });

  test('the pinned version is current and the one before it previous', async () => {
    const keks = await load([version(1), version(2), version(3)], { pin: '/v2' });

    expect(keks.current.id).toEqual(idOf(2));
    expect(keks.previous?.id).toEqual(idOf(1));
  });

  test('the same value set twice is one key', async () => {
    const keks = await load([version(1), version(2, { value: bytesOf(1).toString('base64') })]);

    expect(keks.previous).toBeUndefined();
  });

  test.each([
    ['no version is enabled', [version(1, { enabled: false })], '', 'has no enabled version. Set'],
    ['the pinned version is not there', [version(1)], '/v2', 'has no enabled version v2'],
    ['the pinned version is disabled', [version(1), version(2, { enabled: false })], '/v2', 'no enabled version v2'],
    ['the value is not base64', [version(1, { value: '!'.repeat(44) })], '', 'is not base64'],
    ['the value has a stray character', [version(1, { value: `!${bytesOf(1).toString('base64')}` })], '', 'not base64'],
    ['the value is short', [version(1, { value: bytesOf(1).subarray(1).toString('base64') })], '', 'holds 31 bytes'],
    ['the value is all zero', [version(1, { value: Buffer.alloc(32).toString('base64') })], '', 'repeats one byte'],
    ['the previous value is no key', [version(1, { value: 'draft' }), version(2)], '', 'version v1 is not base64'],
  ])('refuses when %s', async (_, versions, pin, message) => {
    expect((await failure(versions, { pin })).message).toContain(message);
  });

  test('a value that ends with a newline is accepted', async () => {
    const keks = await load([version(1, { value: `${bytesOf(1).toString('base64')}\n` })]);

    expect(keks.current.id).toEqual(idOf(1));
  });
});

describe('the request to Key Vault', () => {
  test('answers the challenge with a token for Key Vault, once', async () => {
    await load([version(1)]);

    expect(vault.scopes).toEqual(['https://vault.azure.net/.default']);
    expect(vault.requests).toEqual([
      'GET /secrets/kek/versions without token',
      'GET /secrets/kek/versions with token',
      'GET /secrets/kek/v1 with token',
    ]);
  });

  test('is retried when throttled', async () => {
    const keks = await load([version(1)], { faults: [{ status: 429, headers: { 'Retry-After': '0' } }] });

    expect(keks.current.id).toEqual(idOf(1));
  });

  test('fails when it is throttled for longer than the timeout', async () => {
    const error = await failure([version(1)], {
      fault: { status: 429, headers: { 'Retry-After': '60' } },
      timeout: 300,
    });

    expect(error.message).toContain('429');
    expect(error.retryAfter).toBe(60_000);
  });

  test('times out if the key vault does not answer', async () => {
    const error = await failure([version(1)], { fault: 'hang', timeout: 300 });

    expect(error.message).toContain('did not answer within 0.3 s');
  });

  test('times out if the sign-in does not answer', async () => {
    vault = await startFakeKeyVault([version(1)]);
    const source = createKeyVaultSecretKeySource({
      ...vault,
      credential: { getToken: () => new Promise(() => {}) },
      timeout: 300,
    });

    await expect(source.load()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  });

  test('names the missing permission after a refusal, and does not retry', async () => {
    const error = await failure([version(1)], { fault: { status: 403 } });

    expect(error.message).toContain('Key Vault Secrets User');
    expect(vault.requests).toHaveLength(2);
  });

  test.each([400, 401, 404, 500, 503])('fails on a permanent %i with the address in its message', async (status) => {
    const error = await failure([version(1)], { fault: { status, headers: { 'retry-after-ms': '1' } } });

    expect(error.message).toContain('https://pretend.vault.azure.net');
    expect(error.message).toContain(String(status));
  });

  test('fails without a listener', async () => {
    vault = await startFakeKeyVault([version(1)]);
    await vault.close();

    await expect(createKeyVaultSecretKeySource(vault).load()).rejects.toMatchObject({
      reason: 'KEY_SOURCE_UNAVAILABLE',
    });
  });

  test('shows neither key nor bearer token if the response with the key cannot be read', async () => {
    const value = bytesOf(1).toString('base64');
    const error = await failure([version(1)], {
      faults: [{ status: 200, body: `{"value": [], "nextLink": null, "x": "${value}` }],
    });

    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(value);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('pretend-bearer-token');
  });
});
