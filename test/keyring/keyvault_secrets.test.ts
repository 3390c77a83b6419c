import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKeyVaultSecrets, type KeyVaultSecretsParts } from '../../src/keyring/keyvault_client_secrets.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { isVaultError, type VaultError } from '../../src/model/errors.ts';
import { type FakeVersion, ORIGIN, startFakeKeyVault, TOKEN } from './fake_key_vault.ts';

const URI = `${ORIGIN}/secrets/mail-app`;
const NOW = Date.UTC(2031, 0, 1);

const version = (number: number, more: Partial<FakeVersion> = {}): FakeVersion => ({
  name: 'mail-app',
  version: `v${number}`,
  value: `secret~of-version-${number}`,
  created: 1_900_000_000 + number,
  ...more,
});

async function setUp(versions: readonly FakeVersion[] = [version(1)], parts: Partial<KeyVaultSecretsParts> = {}) {
  const vault = await startFakeKeyVault(versions);
  onTestFinished(() => vault.close());
  const time = { now: NOW };
  const lines: string[] = [];
  const outcomes: string[] = [];
  const source = createKeyVaultSecrets({
    vaults: [ORIGIN],
    keySource: 'file:./keys/kek',
    credential: vault.credential,
    clientOptions: vault.clientOptions,
    clock: { now: () => time.now },
    log: { event: (level, name, fields) => void lines.push(`${level} ${name} ${JSON.stringify(fields)}`) },
    metrics: { read: (outcome) => void outcomes.push(outcome) },
    ...parts,
  });
  const read = async (uri = URI) => (await source.read(uri)).value.reveal();
  const requestCount = () => vault.requests.filter((line) => line.endsWith('with token')).length;
  return { vault, source, time, lines, outcomes, read, requestCount };
}

async function failureOf(work: () => unknown): Promise<VaultError> {
  try {
    await work();
  } catch (failure) {
    if (isVaultError(failure)) return failure;
    throw failure;
  }
  throw new Error('expected a VaultError');
}

describe('the secret that is read', () => {
  test('is the newest version, with its dates', async () => {
    const { source } = await setUp([version(1), version(2, { notBefore: 1_900_000_000, expires: 2_000_000_000 })]);

    const secret = await source.read(URI);

    expect(secret.value.reveal()).toBe('secret~of-version-2');
    expect(secret).toMatchObject({
      version: 'v2',
      setTime: 1_900_000_002_000,
      notBefore: 1_900_000_000_000,
      expireTime: 2_000_000_000_000,
    });
  });

  test('needs no metrics', async () => {
    const { read } = await setUp([version(1)], { metrics: undefined });

    expect(await read()).toBe('secret~of-version-1');
  });

  test('has no dates if the key vault returns none', async () => {
    const { source } = await setUp();

    expect(await source.read(URI)).toMatchObject({ notBefore: undefined, expireTime: undefined });
  });

  test('is the version that the address names', async () => {
    const { read } = await setUp([version(1), version(2)]);

    expect(await read(`${URI}/v1`)).toBe('secret~of-version-1');
  });

  test('is served after it has expired, because a key vault’s dates are not enforced', async () => {
    const { read } = await setUp([version(1, { expires: 1_000_000_000 })]);

    expect(await read()).toBe('secret~of-version-1');
  });

  test('is without the newline of the file that it was set from', async () => {
    const { read } = await setUp([version(1, { value: 'from-a-file\r\n' })]);

    expect(await read()).toBe('from-a-file');
  });

  test.each([
    ['is empty', ''],
    ['is white space', ' \n'],
    ['has words', 'two words'],
    ['is the private key of a certificate', '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n'],
    ['is as long as a PFX', 'M'.repeat(2_000)],
  ])('is refused when it %s', async (_, value) => {
    const { source, outcomes } = await setUp([version(1, { value })]);

    const failure = await failureOf(() => source.read(URI));

    expect(failure.reason).toBe('KEY_SOURCE_UNAVAILABLE');
    expect(failure.message).toContain('is not a client secret');
    expect(outcomes).toEqual(['unusable']);
  });
});

describe('the cache', () => {
  test('serves for an hour', async () => {
    const { read, time, requestCount } = await setUp();

    await read();
    time.now += HOUR - 1;
    await read();

    expect(requestCount()).toBe(1);
  });

  test('serves the old secret after the hour, while a renewed one is read in the background', async () => {
    const { vault, read, time, requestCount } = await setUp();
    await read();
    vault.versions.push(version(2));
    time.now += HOUR;

    expect(await read()).toBe('secret~of-version-1');

    await vi.waitFor(async () => expect(await read()).toBe('secret~of-version-2'));
    expect(requestCount()).toBe(2);
  });

  test('sends one request for many callers', async () => {
    const { read, requestCount } = await setUp();

    const all = await Promise.all(Array.from({ length: 50 }, () => read()));

    expect(new Set(all)).toEqual(new Set(['secret~of-version-1']));
    expect(requestCount()).toBe(1);
  });

  test('keeps its capacity, and removes the secret used longest ago', async () => {
    const names = ['a', 'b', 'c'];
    const versions = names.map((name) => version(1, { name, value: name }));
    const { read, requestCount } = await setUp(versions, { capacity: 2 });
    const [a, b, c] = names.map((name) => `${ORIGIN}/secrets/${name}`);

    for (const uri of [a, b, a, c, a]) await read(uri);
    expect(requestCount()).toBe(3);
    await read(b);

    expect(requestCount()).toBe(4);
  });

  test('does not keep a failure for long', async () => {
    const { vault, read, time } = await setUp([]);
    await expect(read()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
    vault.versions.push(version(1));
    time.now += MINUTE;

    expect(await read()).toBe('secret~of-version-1');
  });
});

describe('a secret that may have changed', () => {
  test('is fetched by the next reader', async () => {
    const { vault, source, read } = await setUp();
    await read();
    vault.versions.push(version(2));

    expect(source.forget(URI)).toBe(true);

    expect(await read()).toBe('secret~of-version-2');
  });

  test.each([
    [`${URI}/v1`, URI],
    [URI, `${URI}/v1`],
    [`${URI}/v2`, `${URI}/v1`],
  ])('is invalidated by any of its addresses: %s', async (heard, known) => {
    const { source, read, requestCount } = await setUp([version(1)]);
    await read(known);

    expect(source.forget(heard)).toBe(true);
    await read(known);

    expect(requestCount()).toBe(2);
  });

  test('is not known if it was never read, even if another name has the same prefix', async () => {
    const { source, read, requestCount } = await setUp([version(1), version(1, { name: 'mail-app-2' })]);
    await read(`${URI}-2`);

    expect(source.forget(URI)).toBe(false);
    await read(`${URI}-2`);

    expect(requestCount()).toBe(1);
  });

  test.each(['https://other.vault.azure.net/secrets/mail-app', 'mail-app', ''])(
    'is not known, and no mistake, where it is not allowed: %j',
    async (uri) => {
      const { source } = await setUp();

      expect(source.forget(uri)).toBe(false);
    },
  );

  test('stays in use while the key vault does not answer', async () => {
    const { vault, source, read, lines } = await setUp();
    await read();
    vault.fault = { status: 503, headers: { 'retry-after-ms': '1' } };
    source.forget(URI);

    expect(await read()).toBe('secret~of-version-1');
    expect(lines).toHaveLength(1);
  });

  test('is not cached from a request that was sent before', async () => {
    const { vault, source, read } = await setUp();
    const answered = Promise.withResolvers<void>();
    vault.faults.push({ after: answered.promise });
    const before = read();
    await vi.waitFor(() => expect(vault.faults).toEqual([]));
    vault.versions.push(version(2));
    source.forget(URI);

    expect(await read()).toBe('secret~of-version-2');
    answered.resolve();

    expect(await before).toBe('secret~of-version-1');
    expect(await read()).toBe('secret~of-version-2');
  });
});

describe('an outage', () => {
  test('changes nothing for readers, and is logged once, like its end', async () => {
    const { vault, read, time, lines, outcomes, requestCount } = await setUp();
    await read();
    vault.fault = { status: 403 };
    for (const reads of [2, 3, 4]) {
      time.now += HOUR;
      expect(await read()).toBe('secret~of-version-1');
      await vi.waitFor(() => expect(outcomes).toHaveLength(reads));
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(URI);
    expect(lines[0]).toContain('HTTP 403');

    vault.fault = undefined;
    vault.versions.push(version(2));
    time.now += MINUTE;
    await read();
    await vi.waitFor(async () => expect(await read()).toBe('secret~of-version-2'));

    expect(lines[1]).toContain('key_vault_secret_recovered');
    expect(outcomes).toEqual(['read', 'unavailable', 'unavailable', 'unavailable', 'read']);
    expect(requestCount()).toBe(5);
  });

  test.each([
    ['deleted', []],
    ['disabled', [version(1), version(2, { enabled: false })]],
    ['emptied', [version(1), version(2, { value: '' })]],
  ])('is distinguished from a secret that was %s, which is no longer served', async (_, versions) => {
    const { vault, read, time, outcomes } = await setUp();
    await read();
    vault.versions.splice(0, 1, ...versions);
    time.now += HOUR;
    await read();
    await vi.waitFor(() => expect(outcomes).toEqual(['read', 'unusable']));

    await expect(read()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  });
});

describe('a failure', () => {
  test.each([
    ['the secret is not there', [], undefined, 'does not know the secret'],
    ['its newest version is disabled', [version(1), version(2, { enabled: false })], undefined, 'is disabled'],
    ['rights are missing', [version(1)], { status: 403 }, 'Key Vault Secrets User'],
    [
      'a firewall is between',
      [version(1)],
      { status: 403, body: '{"error":{"code":"Forbidden","innererror":{"code":"ForbiddenByFirewall"}}}' },
      'through its firewall',
    ],
    ['the sign-in is not taken', [version(1)], { status: 401 }, 'does not accept the identity'],
  ] as const)('names the next step when %s', async (_, versions, fault, words) => {
    const { vault, source } = await setUp(versions);
    vault.fault = fault;

    const failure = await failureOf(() => source.read(URI));

    expect(failure.reason).toBe('KEY_SOURCE_UNAVAILABLE');
    expect(failure.message).toContain(words);
  });

  test('occurs for a redirect of the key vault, which is not followed', async () => {
    const { vault, source } = await setUp([version(1), version(1, { name: 'other' })]);
    vault.faults.push({ status: 307, headers: { location: `${ORIGIN}/secrets/other?api-version=7.6` } });

    expect((await failureOf(() => source.read(URI))).message).toContain('cannot be read');
    expect(vault.requests.filter((line) => line.includes('other'))).toEqual([]);
  });

  test('occurs in time without a response', async () => {
    const { vault, source } = await setUp([version(1)], { timeout: 200 });
    vault.fault = 'hang';

    const failure = await failureOf(() => source.read(URI));

    expect(failure.message).toContain('did not answer within 0.2 s');
  });

  test('occurs in time if the sign-in hangs, and the next sign-in is a new one', async () => {
    let hangs = true;
    const getToken = () =>
      hangs ? new Promise<never>(() => {}) : Promise.resolve({ token: TOKEN, expiresOnTimestamp: Date.now() + 60_000 });
    const { read, time } = await setUp([version(1)], { timeout: 200, credential: { getToken } });

    await expect(read()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
    hangs = false;
    time.now += MINUTE;

    expect(await read()).toBe('secret~of-version-1');
  });

  test('has the Retry-After of the key vault', async () => {
    const { vault, source } = await setUp([version(1)], { timeout: 2_000 });
    vault.fault = { status: 429, headers: { 'Retry-After': '30' } };

    expect((await failureOf(() => source.read(URI))).retryAfter).toBe(30 * SECOND);
  });

  test.each([
    ['broken', '{"id": "x", "value": "the-very-secret"'],
    ['without an id', '{"value": "the-very-secret"}'],
    ['with a strange id', '{"id": "https://the-very-secret", "value": "the-very-secret"}'],
    ['nothing', 'null'],
  ])('shows neither secret nor token if the response is %s', async (_, body) => {
    const { vault, source, lines } = await setUp();
    vault.fault = { status: 200, body };

    const failure = await failureOf(() => source.read(URI));

    const shown = inspect(failure, { depth: 20, showHidden: true }) + failure.stack + lines.join();
    expect(shown).not.toContain('the-very-secret');
    expect(shown).not.toContain(TOKEN);
    expect(failure.reason).toBe('KEY_SOURCE_UNAVAILABLE');
  });

  test('shows no token if permissions are missing, and a secret cannot be printed', async () => {
    const { vault, source } = await setUp();
    expect(inspect(await source.read(URI), { depth: 20, showHidden: true })).not.toContain('secret~of');
    vault.fault = { status: 403 };

    const failure = await failureOf(() => source.read(`${URI}/v1`));

    expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });
});

describe('an address', () => {
  test('is normalized', async () => {
    const { source } = await setUp();

    for (const uri of [URI, `${URI}/`, 'HTTPS://PRETEND.vault.azure.net:443/secrets/Mail-App', ` ${URI}\n`]) {
      expect(source.checkUri('credential', uri)).toBe(URI);
    }
    expect(source.checkUri('credential', `${URI}/ABC0`)).toBe(`${URI}/abc0`);
  });

  test.each([
    'http://pretend.vault.azure.net/secrets/mail-app',
    'https://pretend.vault.azure.net.evil.example/secrets/mail-app',
    'https://pretend.vault.azure.net@evil.example/secrets/mail-app',
    'https://user@pretend.vault.azure.net/secrets/mail-app',
    'https://:password@pretend.vault.azure.net/secrets/mail-app',
    'https://pretend.vault.azure.net:8443/secrets/mail-app',
    'https://pretend.vault.azure.net./secrets/mail-app',
    'https://169.254.169.254/secrets/mail-app',
    'https://pretend.vault.azure.net/keys/mail-app',
    'https://pretend.vault.azure.net/secrets/mail-app/v1/more',
    'https://pretend.vault.azure.net/secrets/mail%2Dapp',
    'https://pretend.vault.azure.net/secrets/mail-app?api-version=7.0',
    'https://pretend.vault.azure.net/secrets/mail-app#v1',
    'https://pretend.vault.azure.net/secrets/',
    'mail-app',
    '',
  ])('is refused without a request: %s', async (uri) => {
    const { vault, source } = await setUp();

    expect((await failureOf(() => source.checkUri('credential', uri))).metadata).toEqual({ field: 'credential' });
    await expect(source.read(uri)).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      metadata: { field: 'secret_uri' },
    });
    expect(vault.requests).toEqual([]);
  });

  test('of another key vault is refused with the name of the variable, and whether it is set', async () => {
    const other = 'https://other.vault.azure.net/secrets/mail-app';
    const { source } = await setUp();
    const none = await setUp([], { vaults: [] });

    expect((await failureOf(() => source.checkUri('f', other))).message).toContain(
      'TOKENVAULT_KEY_VAULTS does not include it',
    );
    expect((await failureOf(() => none.source.checkUri('f', URI))).message).toContain(
      'TOKENVAULT_KEY_VAULTS is not set',
    );
  });

  test.each(['kek', 'KEK', 'kek/v1', 'Kek/'])('of the root key is refused: %s', async (name) => {
    const keySource = `keyvault-secret:${ORIGIN}/secrets/Kek/v9`;
    const { vault, source } = await setUp([version(1, { name: 'kek' })], { keySource });

    expect((await failureOf(() => source.checkUri('f', `${ORIGIN}/secrets/${name}`))).message).toContain('root key');
    await expect(source.read(`${ORIGIN}/secrets/${name}`)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    expect(vault.requests).toEqual([]);
  });

  test('of another secret next to the root key is allowed', async () => {
    const { read } = await setUp([version(1)], { keySource: `keyvault-secret:${ORIGIN}/secrets/kek` });

    expect(await read()).toBe('secret~of-version-1');
  });

  test('with the name of a key that is the root key is allowed, since keys and secrets are apart', async () => {
    const { source } = await setUp([version(1)], { keySource: `keyvault-key:${URI.replace('secrets', 'keys')},./kek` });

    expect(source.checkUri('f', URI)).toBe(URI);
  });

  test('is refused, or normalized to a stable form, for any text', async () => {
    const { source } = await setUp();
    const part = fc.string({ maxLength: 12 });
    const uris = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.tuple(part, part, part).map(([a, b, c]) => `${ORIGIN}${a}/secrets/${b}/${c}`),
      fc.stringMatching(/^https:\/\/PRETEND\.vault\.azure\.net\/secrets\/[A-Za-z0-9-]{1,9}(\/[A-Za-z0-9]{1,9})?\/?$/),
    );
    fc.assert(
      fc.property(uris, (uri) => {
        let checked: string;
        try {
          checked = source.checkUri('f', uri);
        } catch (failure) {
          return isVaultError(failure, 'FIELD_INVALID');
        }
        return (
          source.checkUri('f', checked) === checked &&
          /^https:\/\/pretend\.vault\.azure\.net\/secrets\/[^/]+/.test(checked)
        );
      }),
    );
  });
});
