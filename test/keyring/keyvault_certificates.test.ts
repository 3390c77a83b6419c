import { constants, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyVaultCertificates, type KeyVaultCertificatesParts } from '../../src/keyring/keyvault_certificates.ts';
import { DAY } from '../../src/model/clock.ts';
import { isVaultError, type VaultError } from '../../src/model/errors.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { type FakeKeyVault, ORIGIN, startFakeKeyVault, TOKEN } from './fake_key_vault.ts';
import { fakeCertificate } from './fake_key_vault_certificates.ts';

const URI = `${ORIGIN}/certificates/mail`;
const START = Date.UTC(2031, 0, 1);
const OLD = fakeCertificate('mail', 'v1', START, START + 90 * DAY);
const YOUNG = fakeCertificate('mail', 'v2', START + 60 * DAY, START + 150 * DAY);
const INPUT = Buffer.from('header.claims');

/** The public part of a certificate with such a key. */
function cerOf(type: 'ec' | 'rsa', options: object): string {
  const pair = generateKeyPairSync(type as 'rsa', options as { modulusLength: number });
  return new X509Certificate(makeCertificate(START, START + DAY, pair).certificate).raw.toString('base64');
}

let vault: FakeKeyVault;
beforeEach(async () => {
  vault = await startFakeKeyVault([]);
  vault.certificates = [OLD, YOUNG];
});
afterEach(() => vault.close());

function open(parts: Partial<KeyVaultCertificatesParts> = {}) {
  const { credential, clientOptions } = vault;
  return createKeyVaultCertificates({ vaults: [ORIGIN], keySource: 'file:./kek', credential, clientOptions, ...parts });
}

async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<VaultError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (failure) {
    if (isVaultError(failure)) return failure;
    throw failure;
  }
  throw new Error('expected a VaultError');
}

describe('the certificate that is read', () => {
  test('is the newest version, with its key and its own dates', async () => {
    expect(await open().read(URI)).toEqual({
      version: 'v2',
      keyUri: `${ORIGIN}/keys/mail/v2`,
      certificate: YOUNG.certificate,
      notBefore: START + 60 * DAY,
      expireTime: START + 150 * DAY,
    });
  });

  test('is the version that the address names', async () => {
    expect(await open().read(`${URI}/v1`)).toMatchObject({ version: 'v1', certificate: OLD.certificate });
  });

  test('is read without its secret, which may contain the private key', async () => {
    await open().read(URI);
    expect(vault.requests.filter((line) => line.endsWith('with token'))).toEqual([
      'GET /certificates/mail/ with token',
    ]);
  });

  test.each([
    ['is disabled', { enabled: false }, 'is disabled'],
    [
      'names a key in another key vault',
      { kid: 'https://evil.example/keys/mail/v3' },
      'no private key in this key vault',
    ],
    ['names the key of another certificate', { kid: `${ORIGIN}/keys/other/v3` }, 'no private key in this key vault'],
    ['names no version of its key', { kid: `${ORIGIN}/keys/mail` }, 'no private key in this key vault'],
    ['names no key', { kid: 'nothing' }, 'no private key in this key vault'],
    ['is not issued yet', { cer: undefined }, 'is not issued yet'],
    ['cannot be read', { cer: 'AAAA' }, 'has no RSA key of at least 2048 bits'],
    ['has a key of another kind', { cer: cerOf('ec', { namedCurve: 'P-256' }) }, 'has no RSA key'],
    ['has a short key', { cer: cerOf('rsa', { modulusLength: 2_047 }) }, 'has no RSA key of at least 2048 bits'],
  ])('is refused if it %s', async (_, more, message) => {
    vault.certificates.push({ ...YOUNG, version: 'v3', ...more });
    const failure = await failureOf(open().read(URI));
    expect(failure).toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE', message: expect.stringContaining(message) });
  });
});

describe('a signature', () => {
  test('is PS256, by the version of the key', async () => {
    const signature = await open().sign(`${ORIGIN}/keys/mail/v1`, INPUT, 'PS256');
    const { publicKey: key } = new X509Certificate(OLD.certificate);
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', INPUT, { key, ...padding }, signature)).toBe(true);
    expect(vault.requests.at(-1)).toBe('POST /keys/mail/v1/sign with token');
  });

  test('is RS256 where that is required', async () => {
    const signature = await open().sign(`${ORIGIN}/keys/mail/v1`, INPUT, 'RS256');
    expect(verify('sha256', INPUT, new X509Certificate(OLD.certificate).publicKey, signature)).toBe(true);
  });

  test.each([
    [403, 'sign on keys (role "Key Vault Crypto User")'],
    [429, 'is throttling'],
    [503, 'failed (HTTP 503)'],
  ])('that fails with HTTP %i says what to do', async (status, message) => {
    vault.fault = { status };
    const failure = await failureOf(open().sign(`${ORIGIN}/keys/mail/v1`, INPUT, 'PS256'));
    expect(failure).toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE', message: expect.stringContaining(message) });
  });

  test('that is throttled says for how long', async () => {
    vault.fault = { status: 429, headers: { 'retry-after': '40' } };
    const failure = await failureOf(open({ timeout: 2_000 }).sign(`${ORIGIN}/keys/mail/v1`, INPUT, 'PS256'));
    expect(failure).toMatchObject({ retryAfter: 40_000, message: expect.stringContaining('is throttling') });
  });

  test('of a disabled key fails, and no token of the vault is shown', async () => {
    vault.certificates = [{ ...OLD, enabled: false }];
    const failure = await failureOf(open().sign(`${ORIGIN}/keys/mail/v1`, INPUT, 'PS256'));
    expect(failure.message).toContain('this version is disabled');
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain(TOKEN);
  });
});

describe('without a request', () => {
  afterEach(() => expect(vault.requests).toEqual([]));

  test.each([
    ['a key vault that the operator did not allow', 'https://evil.vault.azure.net/certificates/mail'],
    ['a secret', `${ORIGIN}/secrets/mail`],
    ['plain HTTP', URI.replace('https:', 'http:')],
    ['a user in the address', URI.replace('https://', 'https://pretend@')],
    ['a query', `${URI}?x=1`],
    ['no address', 'mail'],
  ])('%s is refused', async (_, uri) => {
    const failure = await failureOf(() => open().checkUri('credential.x', uri));
    expect(failure).toMatchObject({ reason: 'FIELD_INVALID', message: expect.stringContaining('credential.x') });
    expect((await failureOf(open().read(uri))).reason).toBe('FIELD_INVALID');
  });

  test('an address is checked without the spaces around it, in any case', () => {
    expect(open().checkUri('x', `\u00a0${ORIGIN.toUpperCase()}/certificates/MAIL/ `)).toBe(URI);
  });

  test('a certificate may have another name than the root key', () => {
    expect(open({ keySource: `keyvault-key:${ORIGIN}/keys/other,./kek` }).checkUri('x', URI)).toBe(URI);
  });

  test('what is no address of a key signs nothing', async () => {
    const failure = await failureOf(open().sign(`${ORIGIN}/certificates/mail`, INPUT, 'PS256'));
    expect(failure).toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'certificate_uri' } });
    expect(failure.message).toContain('its key is not in Azure Key Vault');
  });

  test('a key of a key vault that is no longer allowed signs nothing', async () => {
    const failure = await failureOf(open({ vaults: [] }).sign(`${ORIGIN}/keys/mail/v1`, INPUT, 'PS256'));
    expect(failure.message).toContain('TOKENVAULT_KEY_VAULTS is not set');
  });

  test.each([`keyvault-secret:${ORIGIN}/secrets/mail`, `keyvault-key:${ORIGIN}/keys/mail,./kek`])(
    'the root key is never used for an app (%s)',
    async (keySource) => {
      expect((await failureOf(() => open({ keySource }).checkUri('x', URI))).message).toContain('root key');
    },
  );
});
