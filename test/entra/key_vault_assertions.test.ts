import { constants, sign, X509Certificate } from 'node:crypto';
import { jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { createKeyVaultAssertions } from '../../src/entra/exchange/key_vault_assertion_signer.ts';
import { DAY, MINUTE, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { makeCertificate } from '../sandbox/certificate.ts';

const WAIT = 60_000;
const NOW = Date.UTC(2031, 0, 1);
const { certificate, privateKey } = makeCertificate(NOW - DAY, NOW + DAY);
const other = makeCertificate(NOW - DAY, NOW + DAY);
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

/** A key vault that signs when `gate` opens, or fails with `fault`. */
function setUp() {
  const time = { now: NOW };
  const keyVault = {
    asked: [] as string[],
    inProgress: 0,
    most: 0,
    fault: undefined as VaultError | undefined,
    gate: undefined as Promise<void> | undefined,
    key: privateKey,
  };
  const assertion = createKeyVaultAssertions({
    clock: { now: () => time.now },
    certificates: {
      async sign(keyUri, input) {
        keyVault.asked.push(keyUri);
        keyVault.inProgress += 1;
        keyVault.most = Math.max(keyVault.most, keyVault.inProgress);
        await keyVault.gate;
        keyVault.inProgress -= 1;
        if (keyVault.fault !== undefined) throw keyVault.fault;
        return sign('sha256', input, { key: keyVault.key, ...PSS });
      },
    },
  });
  const request = (credentialUid = 'one', directory = 'contoso', timeout = WAIT) =>
    assertion(
      {
        credentialUid,
        clientId: 'the-client',
        tokenEndpoint: `https://login.example/${directory}/oauth2/v2.0/token`,
        certificate,
        keyUri: `https://v.example/keys/${credentialUid}/v1`,
      },
      timeout,
    );
  return { time, keyVault, request };
}

const unavailable = (retryAfter?: number) =>
  new VaultError('KEY_SOURCE_UNAVAILABLE', 'The key vault refuses.', {
    ...(retryAfter !== undefined && { retryAfter }),
  });

test('an assertion is PS256 with the SHA-256 thumbprint, for one directory and ten minutes', async () => {
  const { request, time } = setUp();
  const { publicKey, fingerprint256 } = new X509Certificate(certificate);
  const { payload, protectedHeader } = await jwtVerify((await request()).reveal(), publicKey, {
    currentDate: new Date(time.now),
  });
  const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  expect(protectedHeader).toEqual({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint });
  expect(payload).toMatchObject({ iss: 'the-client', sub: 'the-client', exp: NOW / SECOND + 600 });
  expect(payload.aud).toBe('https://login.example/contoso/oauth2/v2.0/token');
});

test('an assertion is kept for its life, so that an exchange does not sign', async () => {
  const { request, keyVault, time } = setUp();
  const first = await request();
  time.now += 7 * MINUTE;
  expect(await request()).toBe(first);
  expect(keyVault.asked.length).toBe(1);
});

test('shortly before its end an assertion is renewed, and the exchange does not wait for it', async () => {
  const { request, keyVault, time } = setUp();
  const first = await request();
  time.now += 8 * MINUTE;
  const { promise, resolve } = Promise.withResolvers<void>();
  keyVault.gate = promise;
  expect(await request()).toBe(first);
  expect(keyVault.asked.length).toBe(2);
  resolve();
  await expect.poll(() => request()).not.toBe(first);
  expect(keyVault.asked.length).toBe(2);
});

test('an outage of the key vault is not noticed while an assertion is valid', async () => {
  const { request, keyVault, time } = setUp();
  const first = await request();
  keyVault.fault = unavailable();
  time.now += 9 * MINUTE;
  expect(await request()).toBe(first);
  time.now += MINUTE;
  await expect(request()).rejects.toBe(keyVault.fault);
});

test('in its last half minute an assertion is not presented any more', async () => {
  const { request, keyVault, time } = setUp();
  const first = await request();
  const { promise, resolve } = Promise.withResolvers<void>();
  keyVault.gate = promise;
  time.now += 9 * MINUTE + 30 * SECOND - 1;
  expect(await request()).toBe(first);
  time.now += 1;
  const next = request();
  resolve();
  expect(await next).not.toBe(first);
});

test.each([
  ['without a time', unavailable()],
  ['with a shorter time', unavailable(SECOND)],
  ['of an unexpected kind', new Error('a bug') as VaultError],
])('after a failure %s the credential pauses for ten seconds', async (_, fault) => {
  const { request, keyVault, time } = setUp();
  keyVault.fault = fault;
  await expect(request()).rejects.toBe(fault);
  keyVault.fault = undefined;
  time.now += 10 * SECOND - 1;
  await expect(request()).rejects.toBe(fault);
  time.now += 1;
  await request();
});

test('a credential has one signature at a time, and one credential does not wait for another one', async () => {
  const { request, keyVault } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  keyVault.gate = promise;
  const all = [request('one', 'a'), request('one', 'b'), request('one', 'b'), request('two', 'a')];
  await expect.poll(() => keyVault.asked.length).toBe(2);
  resolve();
  await Promise.all(all);
  expect(keyVault.most).toBe(2);
  expect(keyVault.asked.toSorted()).toEqual([
    'https://v.example/keys/one/v1',
    'https://v.example/keys/one/v1',
    'https://v.example/keys/two/v1',
  ]);
});

test('throttling is held against the throttled credential only, for as long as the key vault says', async () => {
  const { request, keyVault, time } = setUp();
  keyVault.fault = unavailable(40 * SECOND);
  const throttled = [request('one', 'a'), request('one', 'b'), request('one', 'c')];
  for (const one of throttled) await expect(one).rejects.toBe(keyVault.fault);
  expect(keyVault.asked.length).toBe(1);

  keyVault.fault = undefined;
  await request('two');
  time.now += 39 * SECOND;
  await expect(request('one', 'a')).rejects.toThrow('The key vault refuses');
  time.now += SECOND;
  await request('one', 'a');
});

test('a key vault cannot stop a credential for longer than five minutes', async () => {
  const { request, keyVault, time } = setUp();
  keyVault.fault = unavailable(DAY);
  await expect(request()).rejects.toThrow();
  keyVault.fault = undefined;
  time.now += 4 * MINUTE;
  await expect(request()).rejects.toThrow();
  time.now += MINUTE;
  await request();
});

test('a caller waits no longer than its timeout, and the signature serves the next one', async () => {
  const { request, keyVault } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  keyVault.gate = promise;
  await expect(request('one', 'a', 1)).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  resolve();
  await request('one', 'a');
  expect(keyVault.asked.length).toBe(1);
});

test('a signature of another key is not sent to Entra', async () => {
  const { request, keyVault } = setUp();
  keyVault.key = other.privateKey;
  await expect(request()).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
});

test('an app of many directories does not evict the assertions of other apps', async () => {
  const { request, keyVault } = setUp();
  await request('small');
  for (let index = 0; index < 300; index += 1) await request('large', `directory-${index}`);
  const before = keyVault.asked.length;
  await request('small');
  expect(keyVault.asked.length).toBe(before);
});
